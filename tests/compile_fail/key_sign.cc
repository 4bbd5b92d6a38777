// A signed value is no unsigned key.
// The compiler says: static assertion failed
#include "operator_check.h"
#ifdef WRONG
i32 key(const Event& event) {
  return event.score;
}
#else
u8 key(const Event& event) {
  return event.score > 0;
}
#endif
static_assert(detail::AssignsKey<decltype(key), Event, u32>);
