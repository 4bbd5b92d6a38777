// The yardsticks: what a good engineer writes by hand in an afternoon for one job, on one thread,
// without topics, durability or generality.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

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

// The other job, that of dataflows/filter-map.yaml: decodes all fields of every event, leaves out
// chat and players on a phone (half of the events), and encodes what remains of the others,
// `{"player":…,"action":…,"level":…,"at":…}`. Each batch's results, a line each, go to `take`.
// Throws as run_baseline does.
void run_filter_map(const Events& events, const std::function<void(std::string_view)>& take);

// That of dataflows/join.yaml: decodes all fields of every event, keeps per player what the last
// half second and a second more have brought, and encodes each left event with each right one that
// is at most half a second earlier, whichever comes first. A batch of each side in turn; each
// batch's results, a line each, go to `take`. Throws as run_baseline does.
void run_join(const Events& left, const Events& right,
              const std::function<void(std::string_view)>& take);
// That of dataflows/sessions.yaml: decodes all fields of every event and counts per user as long as
// events come within the gap; a session that has ended is a line `{"player":…,"from":…,"to":…,
// "events":…}`, when its user comes again, or at the end. Expects events in order of time. `take`
// and throws as above.
void run_session_loop(const Events& events, std::int64_t gap_ms,
                      const std::function<void(std::string_view)>& take);

struct PlayerLevel {
  std::string player;
  std::uint32_t level;
};

// That of dataflows/look-up.yaml: puts the levels into a hash map, decodes all fields of every
// event, looks the player's level up, and encodes what remains of the events of those who have one,
// `{"player":…,"action":…,"level":…}`. Otherwise as run_filter_map.
void run_look_up(const Events& events, const std::vector<PlayerLevel>& levels,
                 const std::function<void(std::string_view)>& take);

}  // namespace gameflow::bench
