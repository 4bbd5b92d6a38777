// Values for what a statement leaves open: `?` in an operator's, `:name` in a person's.
//
// Text is not copied: arguments and parameters last as long as the query runs.
#pragma once

#include <cstddef>
#include <span>

#include <gameflow/abi.h>

#include "base/error.h"
#include "query/long_decimals.h"
#include "query/query.h"

struct sqlite3_stmt;

namespace gameflow::query {

// kSqlInvalid where the statement does not have `given` places.
Status check_count(sqlite3_stmt* statement, std::size_t given);
void bind(sqlite3_stmt* statement, std::span<const abi::SqlArgument> arguments,
          LongDecimals& decimals);

// kSqlInvalid where the names in the statement are not those of the parameters.
Status check_names(sqlite3_stmt* statement, std::span<const Parameter> parameters);
bool has_ambient(sqlite3_stmt* statement, std::span<const Parameter> parameters);
void bind(sqlite3_stmt* statement, std::span<const Parameter> parameters, LongDecimals& decimals);

}  // namespace gameflow::query
