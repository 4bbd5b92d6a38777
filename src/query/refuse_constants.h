// Comparisons of a column with a constant that SQLite would get wrong without a word: refused with
// what to write.
#pragma once

#include <string>

#include "record/type.h"

struct sqlite3_index_info;
struct sqlite3_vtab;

namespace gameflow::query {

// Whether the constraint at `index`, of a column with this name and kind, is such a one; then
// `base` says why.
bool refuses_constant(const std::string& name, record::Kind kind, sqlite3_vtab* base,
                      sqlite3_index_info& info, int index);

}  // namespace gameflow::query
