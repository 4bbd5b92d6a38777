// The time that a field of a record says.
#pragma once

#include <cstdint>
#include <optional>

#include "connect/support/json_value.h"

namespace gameflow::connect {

// Milliseconds since 1970, of ISO 8601 text, or of a number of seconds or milliseconds (those of
// today have ten and thirteen digits). Nothing for anything else.
std::optional<std::int64_t> time_ms_of(const JsonValue& value);

}  // namespace gameflow::connect
