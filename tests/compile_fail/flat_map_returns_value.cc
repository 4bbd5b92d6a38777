// A flat-map gives a List.
// The compiler says: static assertion failed
#include "operator_check.h"
#ifdef WRONG
Event twice(const Event& event) {
  return event;
}
#else
List<Event> twice(const Event& event) {
  return {event, event};
}
#endif
static_assert(detail::FlatMaps<decltype(twice), Event>);
