// flush returns the type of the sinks.
// The compiler says: static assertion failed
#include "operator_check.h"
#ifdef WRONG
List<Text> result() {
  return {};
}
#else
List<Event> result() {
  return {};
}
#endif
static_assert(detail::Flushes<decltype(result), List<Event>>);
