// Sketches in SQL. A column of one is a BLOB, its bytes, of which a query asks
//
//   estimate(players)         how many different values there were, an INTEGER
//   quantile(latency, 0.99)   a REAL; NULL where there are no numbers
//   merge(players)            an aggregate: that of all rows, as if one had seen all
//
// In an answer for people a plain column shows what it says: a distinct its estimate, quantiles a
// summary in JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

struct sqlite3;

namespace gameflow::query {

// What columns of sketches are declared as.
inline constexpr const char* kDistinctType = "DISTINCT_SKETCH";
inline constexpr const char* kQuantilesType = "QUANTILES_SKETCH";

constexpr bool is_sketch_type(std::string_view declared) {
  return declared == kDistinctType || declared == kQuantilesType;
}

void add_sketch_functions(sqlite3* db);

// What people see of the bytes of a sketch, in a column that is declared so.
std::variant<std::int64_t, std::string> shown_sketch(std::string_view declared,
                                                     std::string_view bytes);

}  // namespace gameflow::query
