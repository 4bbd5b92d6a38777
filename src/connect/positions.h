// The positions of a sink, as they are stored: {"TOPIC/PARTITION":OFFSET,…}.
#pragma once

#include <string>
#include <string_view>

#include <gameflow/connect/connector.h>

#include "base/error.h"

namespace gameflow::connect {

std::string to_json(const Positions& positions);
// kDataCorrupt. Empty: none.
Result<Positions> parse_positions(std::string_view json);

}  // namespace gameflow::connect
