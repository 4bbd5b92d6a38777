// sum() as SQLite's own, but exact over decimals, however they come (decimal_value.h): numbers with
// few digits are added as what they are written as, not as the doubles next to them; and over
// integers up to 2^64 - 1.
#pragma once

struct sqlite3;

namespace gameflow::query {

class LongDecimals;

void add_exact_sum(sqlite3* db, LongDecimals& decimals);

}  // namespace gameflow::query
