// What the events of clients say of their clocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "base/time.h"

namespace gameflow::api {

// Of one platform.
struct ClockStats {
  std::uint64_t events = 0;      // that said when they were sent
  std::uint64_t corrected = 0;   // of them, by a clock that was too far off
  std::uint64_t unreadable = 0;  // events whose `sent_at` or time could not be read
  Duration drift;                // of the last clock that was corrected: how far it was behind
  static constexpr std::size_t kPlatformsMax = 50;
};
// At most kPlatformsMax of them, then "other".
using ClocksByPlatform = std::map<std::string, ClockStats>;

}  // namespace gameflow::api
