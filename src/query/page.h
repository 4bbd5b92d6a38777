// A page of a table's rows in order of segment, then key: which rows they are, found in one look at
// each, however many there are.
//
// Threads  pure functions.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "query/query.h"
#include "record/type.h"

namespace gameflow::query {

// Segments go by their first constant, the start of a window; 0 where a table has none.
std::int64_t start_of(const Segment& segment);
std::size_t rows_of(const Table& table, const Segment& segment);

struct PagePlace {
  std::int64_t start = 0;
  std::string key;  // as rows have it: its bytes sort as the keys do

  bool operator==(const PagePlace&) const = default;
};

struct PageQuery {
  std::string prefix;                 // of the key as it is shown
  std::optional<std::int64_t> start;  // of this segment only
  std::optional<PagePlace> after;     // behind this place
  std::size_t limit = 0;
};

// The first `limit` places that fit. kSqlLimit past the deadline.
Result<std::vector<PagePlace>> page_of(const Table& table, const PageQuery& query,
                                       std::chrono::steady_clock::time_point deadline);

// A key as SQL shows it: text as it is, an integer's digits, 0 or 1 for a bool.
std::string shown_key(record::Kind kind, std::string_view key);

}  // namespace gameflow::query
