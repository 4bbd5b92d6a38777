// A map gives a type of the dataflow.
// The compiler says: static assertion failed
#include "operator_check.h"
#ifdef WRONG
std::string name(const Event& event) {
  return event.user_id.str();
}
#else
Text name(const Event& event) {
  return event.user_id.str();
}
#endif
static_assert(detail::Maps<decltype(name), Event>);
