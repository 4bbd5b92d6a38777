// No text is the empty text, not a null pointer.
// The compiler says: deleted function
#include "operator_check.h"
#ifdef WRONG
Text text(const Event&) {
  return nullptr;
}
#else
Text text(const Event&) {
  return {};
}
#endif
