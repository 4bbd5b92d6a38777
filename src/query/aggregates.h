// Aggregates that this SQLite lacks: median(x) and percentile(x, p) with p in [0, 100].
//
// Both skip NULL, take numbers only, interpolate linearly between neighbours and are NULL where
// there is no number.
#pragma once

struct sqlite3;

namespace gameflow::query {

void add_aggregates(sqlite3* db);

}  // namespace gameflow::query
