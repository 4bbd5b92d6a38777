// The answer of POST /sql as a table, CSV or JSON, on stdout.
#pragma once

#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "app/commands.h"

namespace gameflow::app {

// The JSON of an answer with each number that has a point as ["9.80"], so that it keeps the digits
// that it came with. No value of an answer is an array.
std::string with_digits(std::string_view answer);

// An answer made so.
void print_answer(const boost::json::object& answer, SqlFormat format);

}  // namespace gameflow::app
