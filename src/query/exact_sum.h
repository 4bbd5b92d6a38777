// sum() as SQLite's own, but exact over decimals, however they come (decimal_value.h): numbers with
// few digits are added as what they are written as, not as the doubles next to them.
#pragma once

struct sqlite3;

namespace gameflow::query {

void add_exact_sum(sqlite3* db);

}  // namespace gameflow::query
