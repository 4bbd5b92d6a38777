#include "plan/table.h"

namespace gameflow::plan {

Table table_of(const Keyed& keyed, const State& state) {
  Table table{.name = state.table, .key = state.key, .row = state.row, .constant_names = {}};
  if (!keyed.window) return table;
  if (const Session* const session = keyed.window->session()) {
    table.session_gap = session->gap;
    table.constant_names = {"_window_closed"};
  } else {
    table.constant_names = {"_window_start", "_window_end", "_window_closed"};
  }
  return table;
}

Table table_of(const TableSource& source) {
  return {.name = source.accessor, .key = source.key, .row = source.row, .constant_names = {}};
}

}  // namespace gameflow::plan
