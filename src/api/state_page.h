// A page of a state's rows, for people who look at a state, however large it is: query::page_of()
// finds which rows they are, and SQL reads them by their keys.
//
// Threads  those of the database.
#pragma once

#include <chrono>

#include "api/api.h"
#include "base/error.h"
#include "query/query.h"

namespace gameflow::api {

// `table` is one that `database` shows. kInvalidArgument: a key, window or `after` that such a
// table cannot have; kSqlLimit: past the deadline.
Result<StateRows> read_page(query::Database& database, const query::Table& table,
                            const StateQuery& wanted,
                            std::chrono::steady_clock::time_point deadline);

}  // namespace gameflow::api
