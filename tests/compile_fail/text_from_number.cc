// Text is never made from a number.
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
