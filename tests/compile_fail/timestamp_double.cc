// Times are integer milliseconds.
// The compiler says: static assertion failed
#include "operator_check.h"
#ifdef WRONG
double time(const Event&) {
  return 1.5;
}
#else
i64 time(const Event&) {
  return 1;
}
#endif
static_assert(detail::AssignsTimestamp<decltype(time), Event>);
