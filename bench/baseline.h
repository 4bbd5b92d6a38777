// The yardstick: what a good engineer writes by hand in an afternoon for this one job, on one
// thread, without topics, durability or generality. Every case is a ratio to it.
#pragma once

#include <cstddef>
#include <string>

#include "events.h"

namespace gameflow::bench {

struct BaselineResult {
  std::size_t events = 0;
  std::size_t windows = 0;
  std::size_t players = 0;  // sum of all windows' rows
  std::string last_json;    // the list of the last window
};

// Decodes all fields of every event with simdjson On-Demand, takes the event's own time, counts per
// player in tumbling windows, and at the end of each window sorts by count, highest first, then by
// player, and encodes `[{"player_id":…,"event_count":…},…]`. Expects events in order of time.
// Throws std::runtime_error for an event that does not decode.
BaselineResult run_baseline(const Events& events);

}  // namespace gameflow::bench
