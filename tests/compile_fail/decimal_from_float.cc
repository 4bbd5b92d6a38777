// A decimal is exact, and a float is not.
// The compiler says: use of deleted function
#include "operator_check.h"
#ifdef WRONG
const Decimal<2> price = 9.80;
#else
const Decimal<2> price("9.80");
#endif
