// A List lives in an arena: nothing in it is ever destroyed.
// The compiler says: a List holds types of dataflow.yaml only
#include "operator_check.h"
#ifdef WRONG
List<std::string> names;
#else
List<Text> names;
#endif
