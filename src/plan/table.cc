#include "plan/table.h"

namespace gameflow::plan {

Table table_of(const State& state) {
  return {.name = state.table,
          .key = state.key,
          .row = state.row,
          .constant_names = {"_window_start", "_window_end", "_window_closed"}};
}

}  // namespace gameflow::plan
