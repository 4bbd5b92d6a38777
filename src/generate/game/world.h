// What everybody in the game shares: who the players are, what levels and items there are, when
// people play, and how the servers do.
//
// The game runs in steps of some seconds. Within a step the world stands still, and groups of
// players go on independently of each other; between steps it counts them and moves. That is why
// the number of threads changes nothing.
//
// Units    times are ms UTC.
// Threads  const methods may be called by all groups at once; the others between steps.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "generate/game/event.h"
#include "generate/random.h"
#include "spec/game.h"

namespace gameflow::generate {

inline constexpr std::uint32_t kGroups = 64;
inline constexpr std::string_view kPlatforms[] = {"PC", "Console", "Mobile"};
// The last one of them loses far more events than the others.
inline constexpr std::string_view kClientVersions[] = {"2.3.1", "2.3.0", "2.1.4"};
inline constexpr std::uint8_t kLossyVersion = 2;

// What a player is all the time.
struct Traits {
  std::uint8_t region = 0;
  std::uint8_t platform = 0;  // index into kPlatforms
  std::uint8_t version = 0;   // of the client, index into kClientVersions
  std::uint8_t spending = 0;  // 0: never buys, 3: much
  bool is_bot = false;
  bool has_wrong_clock = false;
  double skill = 0, patience = 0;  // 0 to 1
  double activity = 0;             // sessions beside those of an average player
};

struct GameServer {
  const std::string* name = nullptr;
  std::uint8_t region = 0;
  double capacity = 1;
  std::uint32_t population = 0;
  double load = 0, memory = 0, latency_ms = 0;
  double leak = 0;             // of memory, percent
  double lost_per_minute = 0;  // the share of its players that lose their connection
  bool is_down = false;
};

class World {
 public:
  // `from`: the first event; the world begins some time before, so that it is populated then.
  // `scale`: of the capacities.
  World(const spec::Game& game, double scale, Timestamp from);

  const spec::Game& game() const { return game_; }
  std::int64_t from() const { return from_; }
  std::int64_t begin() const { return begin_; }
  std::int64_t step_ms() const { return step_ms_; }

  Traits traits_of(std::uint32_t player) const;
  // Its IP address, as a number below 2^24; some share one.
  std::uint32_t address_of(std::uint32_t player) const;
  std::uint64_t device_of(std::uint32_t player) const;  // of one that there is not: nobody's
  std::int64_t clock_offset_of(std::uint32_t player) const;
  // Whether the event of a client of that version never arrives.
  bool is_lost(std::uint64_t event_id, std::uint8_t version) const;
  std::uint64_t hash(std::uint64_t number) const { return mix64(base_ ^ mix64(number)); }
  // For ids, which other runs do not have either: `number` becomes one that is unique.
  std::uint64_t unique(std::uint64_t number) const { return mix64(id_base_ ^ number); }
  std::uint32_t random_item(Random& random) const { return item_slots_[random.below(kSlots)]; }
  // In minor units of the region's currency.
  std::int64_t price_of(std::size_t item, std::size_t region) const {
    return prices_[item * game_.regions.size() + region];
  }
  // Of a purchase or refund: the region whose price it is; and what was paid, in minor units.
  std::size_t region_of(const Event& deal) const;
  std::int64_t amount_of(const Event& deal) const;

  // When a player of `region` who stopped at `time` comes again.
  std::int64_t next_arrival(std::int64_t time, const Traits& traits, Random& random) const;
  // Where to play: the emptier one of two servers in the region. Nothing: they are down.
  std::optional<std::uint16_t> choose_server(std::uint8_t region, Random& random) const;
  const std::vector<GameServer>& servers() const { return servers_; }
  std::uint16_t first_server_of(std::size_t region) const { return first_servers_[region]; }

  // Whether an anomaly is there at `time`; and when it began.
  bool is_active(const spec::GameTimes& times, std::int64_t time) const {
    return begin_of(times, time).has_value();
  }
  std::optional<std::int64_t> begin_of(const spec::GameTimes& times, std::int64_t time) const;
  // Whether that makes a difference to an attempt.
  bool is_hard(std::uint32_t level, std::uint32_t map, std::int64_t time) const;
  bool is_crashing(std::uint32_t level, std::uint32_t map, std::int64_t time) const;

  // Goes on to the step that begins at `time`, with so many players on each server.
  void move_to(std::int64_t time, std::span<const std::uint32_t> populations);
  // What the servers tell in that step.
  void append_metrics(std::int64_t time, std::vector<Event>& out);

 private:
  static constexpr std::uint32_t kSlots = 4096;
  void fill_arrivals(std::int64_t until);
  void move(GameServer& server, std::size_t index, std::int64_t time);

  const spec::Game& game_;
  std::uint64_t base_, id_base_;
  std::int64_t from_, begin_, step_ms_;
  std::vector<std::uint8_t> region_slots_, item_slots_;  // each as often as its share says
  std::vector<std::int64_t> prices_;                     // item * regions + region
  std::vector<GameServer> servers_;
  std::vector<std::uint16_t> first_servers_;  // by region, and the end
  // By region and hour since begin_: how many arrive, beside an average hour.
  std::vector<std::vector<double>> arrivals_;
  Random random_;
  std::uint64_t metrics_ = 0;  // told so far
};

}  // namespace gameflow::generate
