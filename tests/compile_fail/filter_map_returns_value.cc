// A filter-map gives an Optional.
// The compiler says: static assertion failed
#include "operator_check.h"
#ifdef WRONG
Event kept(const Event& event) {
  return event;
}
#else
Optional<Event> kept(const Event& event) {
  return event;
}
#endif
static_assert(detail::FilterMaps<decltype(kept), Event>);
