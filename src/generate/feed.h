// The events of a game as one sequence in order of time, whoever makes them: what senders, printers
// and the web API read.
//
// The same options give the same events. Simulated time is the feed's own: a caller that wants
// events as they happen asks for those up to what its clock says, one that wants them at once for
// those up to the end of time.
//
// Units    times are ms UTC. They are those at which an event arrives, not its `event_timestamp`:
//          a client that was offline sends late, and its clock may be wrong.
// Threads  a Feed belongs to one thread.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

#include "base/time.h"
#include "generate/event_kind.h"

namespace gameflow::generate {

inline constexpr Timestamp kEndOfTime{std::numeric_limits<std::int64_t>::max()};

struct FeedEvent {
  EventKind kind = EventKind::kPlayer;
  // Damaged on its way: no JSON, or not of the topic's type. A server that checks refuses it.
  bool is_corrupt = false;
  Timestamp at;
  std::string_view key;   // what `key_field_of(kind)` holds
  std::string_view json;  // one line, without its newline
};

class Feed {
 public:
  virtual ~Feed() = default;

  // The next events that arrive at `until` or before, in order of time, as many as are at hand: at
  // least one if there is any (but a feed that finds none for about a day says so). Views hold
  // until the next call.
  virtual std::span<const FeedEvent> next(Timestamp until) = 0;
  // When the next one arrives, or no sooner; nothing: there are no more.
  virtual std::optional<Timestamp> next_time() = 0;

  // Leaves out the first so many events of each kind, by EventKind. At the beginning only. Much
  // faster than to read them.
  using Counts = std::array<std::uint64_t, kEventKinds>;
  virtual void skip(const Counts& counts) = 0;
};

}  // namespace gameflow::generate
