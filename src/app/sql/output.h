// The answer of POST /sql as a table, CSV or JSON, on stdout.
#pragma once

#include <boost/json.hpp>

#include "app/commands.h"

namespace gameflow::app {

void print_answer(const boost::json::object& answer, SqlFormat format);

}  // namespace gameflow::app
