// What SQL sees of a state: columns without data.
//
// Columns: _key, the fields of `row`, _updated_at (ms UTC), those of a session, then the constants.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "plan/graph.h"
#include "record/type.h"

namespace gameflow::plan {

struct Table {
  std::string name;
  record::Kind key = record::Kind::kString;
  const record::Type* row = nullptr;
  std::optional<Duration> session_gap;      // of sessions: as query::Table
  std::vector<std::string> constant_names;  // integers, the same for all rows of a window
};

// Of a state of the node, under its own name.
Table table_of(const Keyed& keyed, const State& state);
Table table_of(const TableSource& source);

}  // namespace gameflow::plan
