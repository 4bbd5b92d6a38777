// The event comes first, then the record's time.
// The compiler says: static assertion failed
#include "operator_check.h"
#ifdef WRONG
i64 time(i64, const Event&) {
  return 1;
}
#else
i64 time(const Event&, i64) {
  return 1;
}
#endif
static_assert(detail::AssignsTimestamp<decltype(time), Event>);
