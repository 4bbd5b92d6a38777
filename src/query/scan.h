// The rows of a table, where they lie.
//
// Threads  one.
#pragma once

#include <cstddef>
#include <string_view>

#include "query/query.h"
#include "state/layout.h"
#include "state/version.h"

namespace gameflow::query {

struct RowPlace {
  const state::Entry* entry;
  const Segment* segment;
};

// Where a table's rows are in their entries.
struct RowAccess {
  RowAccess() = default;
  explicit RowAccess(const Table& table);

  bool is_live(const state::Entry* entry) const { return (entry->live >> state & 1U) != 0; }
  std::string_view key(const state::Entry* entry) const { return layout->user_key(entry); }
  // Where the row's session starts, and ends.
  std::int64_t session_start(const state::Entry* entry) const {
    return layout->session(entry).first.ms;
  }
  std::int64_t session_end(const state::Entry* entry) const {
    return (layout->session(entry).last + session_gap).ms;
  }
  const char* data(const state::Entry* entry) const {
    return static_cast<const char*>(layout->row(entry, state));
  }

  const state::Layout* layout = nullptr;  // null: there are no rows
  std::size_t state = 0;
  Duration session_gap;
};

// Goes through the live rows of a table: segment by segment, in no particular order within one.
class Scan {
 public:
  explicit Scan(const Table& table)
      : state_(table.state),
        segment_(table.segments.data()),
        end_(segment_ + table.segments.size()) {}

  // False at the end.
  bool next(RowPlace& place);

 private:
  std::size_t state_;
  const Segment* segment_;
  const Segment* end_;
  std::size_t shard_ = 0;
  state::EntryCursor cursor_;
};

}  // namespace gameflow::query
