// update-state returns nothing: there is no filter in it.
// The compiler says: static assertion failed
#include "operator_check.h"
#ifdef WRONG
bool update(const Event&) {
  return true;
}
#else
void update(const Event&) {}
#endif
static_assert(detail::UpdatesState<decltype(update), Event>);
