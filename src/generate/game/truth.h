// The simulator's own statistics, and what anomalies it made: what analytics can be held against.
//
// Counted are events as they are given out, each once: neither duplicates nor damaged copies.
#pragma once

#include <array>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "generate/game/event.h"
#include "generate/game/world.h"

namespace gameflow::generate {

// An event that comes more than this after it happened is late.
inline constexpr std::int64_t kLateMs = 60'000;

struct LevelCounts {
  std::uint64_t started = 0, completed = 0, failed = 0, quit = 0;
};
struct SaleCounts {
  std::uint64_t purchases = 0, refunds = 0;
  std::int64_t gross = 0, refunded = 0;  // minor units of the region's currency
};

class Counters {
 public:
  // Of the players `first`, `first + stride`, and so on; or of all of them.
  explicit Counters(const World& world, std::uint32_t first = 0, std::uint32_t stride = 1);

  void count(const Event& event);
  // Of all players: what some of them did.
  void add(const Counters& other);

  using OfKinds = std::array<std::uint64_t, kEventKinds>;
  OfKinds events{}, duplicates{}, corrupt{};
  std::array<std::uint64_t, kActions> actions{};
  std::uint64_t sessions = 0, played_ms = 0, late = 0, wrong_clock = 0;
  // Events missing between two others of their session, by platform and version of the client.
  std::array<std::array<std::uint64_t, std::size(kClientVersions)>, std::size(kPlatforms)> lost{};
  std::uint64_t crashed = 0;          // sessions of the level that crashes
  LevelCounts hard;                   // of the level that is too hard, while it is
  std::vector<LevelCounts> levels;    // level * maps + map
  std::vector<SaleCounts> sales;      // item * regions + region: that whose price was paid
  std::vector<bool> players, buyers;  // of these players, who was seen in events

 private:
  void count_player(const Event& event);

  const World* world_;
  std::uint32_t first_, stride_;
};

// One time that an anomaly was there.
struct Occurrence {
  std::string kind;
  std::int64_t from = 0, until = 0;
  std::vector<std::uint32_t> players;  // who did it
  std::uint64_t purchases = 0;
  std::string address, device;  // where they bought; empty: each at its own
};

// As JSON, with a newline at its end. `until`: of what was counted; `is_complete`: all there was
// to.
std::string truth_json(const World& world, const Counters& counters,
                       const std::vector<Occurrence>& occurrences, std::int64_t until,
                       bool is_complete);

}  // namespace gameflow::generate
