// A key must hold every value that assign-key can return.
// The compiler says: static assertion failed
#include "operator_check.h"
#ifdef WRONG
i64 key(const Event& event) {
  return event.score;
}
#else
i32 key(const Event& event) {
  return event.score;
}
#endif
static_assert(detail::AssignsKey<decltype(key), Event, i32>);
