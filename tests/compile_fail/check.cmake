# cmake -DCOMPILER=c++ -DINCLUDE=sdk/include -DSOURCE=case.cc -P check.cmake
# A case compiles as it stands and does not with -DWRONG: so it is the mistake that is refused.
set(command ${COMPILER} -std=c++20 -fsyntax-only -Wall -Wextra -Werror -I${INCLUDE} ${SOURCE})
execute_process(COMMAND ${command} RESULT_VARIABLE right ERROR_VARIABLE messages)
if(NOT right EQUAL 0)
  message(FATAL_ERROR "the right form does not compile:\n${messages}")
endif()
execute_process(COMMAND ${command} -DWRONG RESULT_VARIABLE wrong ERROR_VARIABLE messages)
if(wrong EQUAL 0)
  message(FATAL_ERROR "the wrong form compiles")
endif()
if(NOT messages MATCHES "error:")
  message(FATAL_ERROR "the compiler failed in another way:\n${messages}")
endif()
