// Result columns of a statement into the fields of a C++ struct, by name.
//
// Threads  those of the statement.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <gameflow/arena.h>

#include "base/error.h"
#include "record/codec.h"
#include "record/type.h"

struct sqlite3_stmt;

namespace gameflow::query {

class LongDecimals;

// The field that one result column fills.
struct Target {
  const record::Type* type;  // null: none, as of `_window_start` in a `select *`
  bool optional;
  std::uint32_t offset, flag_offset;
  bool is_expression = false;  // no plain column of a table
};

// One Target for each column of the statement. kSqlInvalid: a column without a field (unless it
// begins with `_`), a required field without a column, a type that cannot fit.
Result<std::vector<Target>> map_columns(sqlite3_stmt* statement, const record::Type& item);

// Writes the statement's current row to `out`, a cleared slot. Text goes to the arena; fields that
// are no scalars are read from their JSON by `decoder`.
// Returns the number of columns written: fewer than all if the one at that position does not fit.
// Throws std::bad_alloc.
std::uint32_t store_row(sqlite3_stmt* statement, const std::vector<Target>& targets,
                        const LongDecimals& decimals, Arena& arena, record::Decoder& decoder,
                        char* out);

// Why the column at `index` of the current row does not fit the field it goes to.
Error misfit(sqlite3_stmt* statement, std::uint32_t index, const Target& target,
             std::uint64_t row_number);

}  // namespace gameflow::query
