// Positions of a sink as JSON, `{"TOPIC/PARTITION":OFFSET,…}`: as the server stores them, and sinks
// that keep them beside their records.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <gameflow/connect/connector.h>

namespace gameflow::connect {

std::string to_json(const Positions& positions);
// Nothing if `json` is not of that form.
std::optional<Positions> positions_from_json(std::string_view json);

}  // namespace gameflow::connect
