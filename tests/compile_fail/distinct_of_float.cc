// A distinct counts texts and integers.
// The compiler says: add() of a distinct takes a text or an integer
#include <gameflow/distinct.h>

#include "operator_check.h"

void note(Distinct& players, const Event& event) {
#ifdef WRONG
  players.add(event.score * 0.5);
#else
  players.add(event.score);
#endif
  players.add(event.user_id);
  players.add("literal");
}
