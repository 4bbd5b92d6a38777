// A List lives in an arena: nothing in it is ever destroyed.
#include "operator_check.h"
#ifdef WRONG
List<std::string> names;
#else
List<Text> names;
#endif
