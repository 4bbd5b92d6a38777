// The positions of a sink, as the server keeps them.
#pragma once

#include <string_view>

#include <gameflow/connect/connector.h>

#include "base/error.h"
#include "connect/support/positions_json.h"

namespace gameflow::connect {

// kDataCorrupt. Empty: none.
Result<Positions> parse_positions(std::string_view json);

}  // namespace gameflow::connect
