// min() and max() of decimals, exact whatever their digits (decimal_value.h).
//
// SQLite's own compare a decimal that is text as text. They stay what runs, as they alone say which
// row the other columns come from: a statement in which they look at decimals gets
//   exact_number(max(exact_order(x)))   for   max(x)
// where exact_order makes bytes that are ordered as the numbers are, and exact_number the number of
// these bytes.
#pragma once

#include <functional>
#include <string>
#include <string_view>

struct sqlite3;

namespace gameflow::query {

void add_exact_extremes(sqlite3* db);

// Whether there are columns of this name, in small letters, and all are decimals.
using IsDecimal = std::function<bool(std::string_view column)>;

// The statement with exact min() and max() where they look at columns of decimals, also by another
// name that the statement gives to them; empty where it has none.
std::string with_exact_extremes(std::string_view sql, const IsDecimal& is_decimal);

// A part of what with_exact_extremes() gave, such as a column's name, as it was written.
std::string as_written(std::string_view sql);

}  // namespace gameflow::query
