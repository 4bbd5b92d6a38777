// What happens in the game, before it becomes text.
#pragma once

#include <array>
#include <cstdint>

#include "generate/event_kind.h"

namespace gameflow::generate {

enum class Action : std::uint8_t {
  kSessionStart,
  kSessionEnd,
  kHeartbeat,
  kLevelStart,
  kLevelFail,
  kLevelQuit,
  kLevelComplete,
  kMove,
  kInteraction,
  kDisconnect
};
inline constexpr std::size_t kActions = 10;

// How an event differs from a plain one.
inline constexpr std::uint8_t kIsDuplicate = 1, kIsCorrupt = 2, kIsFirstOfSession = 4,
                              kHasWrongClock = 8, kIsRefund = 16, kIsLost = 32;

// Times are ms UTC. 80 bytes: there are hundreds of thousands of a second.
struct Event {
  std::int64_t at = 0;     // when it arrives, by the true clock
  std::int64_t shown = 0;  // event_timestamp and sent_at, by the client's clock
  std::int64_t sent = 0;
  std::uint64_t id = 0, session = 0;
  std::uint64_t attempt = 0;  // 0: none; of a purchase its transaction
  std::uint32_t player = 0;
  std::uint32_t played_ms = 0;  // since the event of this session before it
  // Of what a player does its number in the session, from 1, and how many before it were lost since
  // one that was not; of a position x and y, in tenths; of a purchase 1 + the address, and 1 + the
  // player whose device it is, if these are not the player's own, and thousandths of the price, if
  // it is not paid in full; of a server its load and memory in percent, and its latency.
  std::array<std::int32_t, 3> numbers{};
  std::uint16_t server = 0;
  EventKind kind = EventKind::kPlayer;
  Action action = Action::kMove;
  std::uint8_t level = 0, map = 0, item = 0, flags = 0;
  std::uint8_t region = 0;  // of a purchase 1 + that whose price it is, if it is not the player's

  bool is(std::uint8_t flag) const { return (flags & flag) != 0; }
};
static_assert(sizeof(Event) == 80);

}  // namespace gameflow::generate
