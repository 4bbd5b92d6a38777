// A call is announced once.
// The compiler says: deleted function
#include "operator_check.h"
void twice(abi::Call* call) {
  detail::CallScope first(call);
#ifdef WRONG
  detail::CallScope second(first);
#endif
}
