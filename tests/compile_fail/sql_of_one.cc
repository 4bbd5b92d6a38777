// sql() returns lists.
// The compiler says: a T that is a list of objects of the dataflow
#include "operator_check.h"
#ifdef WRONG
auto result() {
  return sql<Event>("select 1");
}
#else
auto result() {
  return sql<List<Event> >("select 1");
}
#endif
