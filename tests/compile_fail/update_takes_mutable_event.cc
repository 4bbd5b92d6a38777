// update-state gets a const event.
// The compiler says: static assertion failed
#include "operator_check.h"
#ifdef WRONG
void update(Event&) {}
#else
void update(const Event&) {}
#endif
static_assert(detail::UpdatesState<decltype(update), Event>);
