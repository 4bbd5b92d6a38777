// Points in time as people write them in commands and addresses.
#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"

namespace gameflow::record {

// A time as parse_time of the SDK reads it, "2024-11-12T10:15:30Z", or how long before `now`:
// "-5m", also without the sign. Nothing where `text` is neither.
std::optional<Timestamp> parse_moment(std::string_view text, Timestamp now);

}  // namespace gameflow::record
