// Result columns of a statement into the fields of a C++ struct, by name.
//
// Threads  those of the statement.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <gameflow/arena.h>

#include "base/error.h"
#include "record/type.h"

struct sqlite3_stmt;

namespace gameflow::query {

// The field that one result column fills.
struct Target {
  record::Kind kind;
  bool optional;
  std::uint32_t offset, flag_offset;
};

// One Target for each column of the statement. kSqlInvalid: a column without a field, a required
// field without a column, a field that SQL cannot fill, a type that cannot fit.
Result<std::vector<Target>> map_columns(sqlite3_stmt* statement, const record::Type& item);

// Writes the statement's current row to `out`, item.size zeroed bytes. Text goes to the arena.
// Returns the number of columns written: fewer than all if the one at that position does not fit.
// Throws std::bad_alloc.
std::uint32_t store_row(sqlite3_stmt* statement, const std::vector<Target>& targets, Arena& arena,
                        char* out);

// Why the column at `index` of the current row does not fit the field it goes to.
Error misfit(sqlite3_stmt* statement, std::uint32_t index, const Target& target,
             std::uint64_t row_number);

}  // namespace gameflow::query
