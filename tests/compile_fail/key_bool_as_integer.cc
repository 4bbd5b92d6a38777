// A bool is no integer key.
// The compiler says: static assertion failed
#include "operator_check.h"
#ifdef WRONG
bool key(const Event&) {
  return true;
}
#else
u8 key(const Event&) {
  return 1;
}
#endif
static_assert(detail::AssignsKey<decltype(key), Event, u8>);
