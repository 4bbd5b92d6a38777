// A call is announced once.
#include "operator_check.h"
void twice(abi::Call* call) {
  detail::CallScope first(call);
#ifdef WRONG
  detail::CallScope second(first);
#endif
}
