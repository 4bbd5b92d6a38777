// Numbers in a statement that SQLite would round.
#pragma once

#include <string>
#include <string_view>

namespace gameflow::query {

// The statement with whole numbers of u64 above 2^63 - 1 as they are in SQL (large_u64.h), and
// 12345678901234567.89 as exact_decimal('12345678901234567.89'); empty where it has none of these.
std::string with_exact_literals(std::string_view sql);

// A part of what it gave, such as a column's name, as it was written.
std::string as_written(std::string_view sql);

}  // namespace gameflow::query
