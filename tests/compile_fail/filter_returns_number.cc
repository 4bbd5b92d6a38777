// A filter says yes or no.
// The compiler says: static assertion failed
#include "operator_check.h"
#ifdef WRONG
i32 keep(const Event& event) {
  return event.score;
}
#else
bool keep(const Event& event) {
  return event.score != 0;
}
#endif
static_assert(detail::Filters<decltype(keep), Event>);
