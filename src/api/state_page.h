// A page of a state's rows, as SQL: for people who look at a state, however large it is.
//
// Threads  pure functions.
#pragma once

#include <string>

#include "api/api.h"
#include "base/error.h"
#include "query/query.h"
#include "record/type.h"

namespace gameflow::api {

// The key as SQL writes it: of text or an integer as it is shown, of a bool "true" or "false".
// kInvalidArgument: `key` cannot be one of that kind.
Result<std::string> key_literal(record::Kind kind, const std::string& key);

// One SELECT of the rows in order of window, then key. `table` has the columns; its rows are not
// looked at. kInvalidArgument: a key, window or `after` that such a table cannot have.
Result<std::string> page_sql(const query::Table& table, const StateQuery& wanted);

// Where the rows behind the last one of `answer` begin, for StateQuery::after; empty where `answer`
// has them all.
std::string next_page(const query::Table& table, const query::Answer& answer);

}  // namespace gameflow::api
