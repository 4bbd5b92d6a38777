# cmake --install: the program (its pages are inside), the SDK's headers for editors, the flagship and the examples,
# documentation, completion, manual, and a systemd unit with its configuration.
include(GNUInstallDirs)

install(TARGETS gameflow RUNTIME)
install(DIRECTORY sdk/include/gameflow TYPE INCLUDE FILES_MATCHING PATTERN "*.h")
install(DIRECTORY games examples DESTINATION ${CMAKE_INSTALL_DATADIR}/gameflow)
install(FILES README.md CHANGELOG.md LICENSE ARCHITECTURE.md TYPE DOC)
install(DIRECTORY docs TYPE DOC)

# The program knows its commands best. Paths are those of the prefix that the installation has, which may be another one
# than at configuration.
install(CODE "set(build \"${PROJECT_BINARY_DIR}\")\nset(source \"${PROJECT_SOURCE_DIR}\")")
install(CODE [[
  function(install_output folder name)
    execute_process(COMMAND ${build}/gameflow ${ARGN} OUTPUT_FILE ${build}/install/${name} COMMAND_ERROR_IS_FATAL ANY)
    file(INSTALL ${build}/install/${name} DESTINATION ${CMAKE_INSTALL_PREFIX}/share/${folder})
  endfunction()
  file(MAKE_DIRECTORY ${build}/install)
  install_output(bash-completion/completions gameflow completion bash)
  install_output(zsh/vendor-completions _gameflow completion zsh)
  install_output(fish/vendor_completions.d gameflow.fish completion fish)
  install_output(man/man1 gameflow.1 manual)

  set(PROGRAM_FOLDER ${CMAKE_INSTALL_PREFIX}/bin)
  set(SHARE_FOLDER ${CMAKE_INSTALL_PREFIX}/share/gameflow)
  set(CONFIG_FOLDER ${CMAKE_INSTALL_PREFIX}/etc/gameflow)
  if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
    set(CONFIG_FOLDER /etc/gameflow)
  endif()
  configure_file(${source}/deploy/systemd/gameflow.service.in ${build}/install/gameflow.service @ONLY)
  configure_file(${source}/deploy/systemd/gameflow.conf.in ${build}/install/gameflow.conf @ONLY)
  file(INSTALL ${build}/install/gameflow.service DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/systemd/system)
  file(INSTALL ${build}/install/gameflow.conf DESTINATION ${CONFIG_FOLDER})
]])
