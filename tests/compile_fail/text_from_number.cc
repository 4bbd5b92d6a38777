// Text is never made from a number.
// The compiler says: could not convert
#include "operator_check.h"
#ifdef WRONG
Text text(const Event& event) {
  return event.score;
}
#else
Text text(const Event& event) {
  return std::to_string(event.score);
}
#endif
