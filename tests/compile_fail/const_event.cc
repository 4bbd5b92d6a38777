// An operator changes a copy, never the event.
// The compiler says: read-only object
#include "operator_check.h"
i32 raised(const Event& event) {
#ifdef WRONG
  event.score += 1;
  return event.score;
#else
  Event copy = event;
  copy.score += 1;
  return copy.score;
#endif
}
