// What the server counts of itself, for /metrics.
//
// Threads  any.
#pragma once

#include <atomic>
#include <cstdint>

#include "serve/connections.h"

namespace gameflow::serve {

struct Stats {
  explicit Stats(const Connections& all) : connections(all) {}

  const Connections& connections;
  // Answered 503, or closed at once, because there was too much of this.
  std::atomic<std::uint64_t> refused_connections = 0, refused_bodies = 0, refused_replies = 0;
  // Of callers who may not: without a token, with one that nobody has (so many of them answered
  // late), with one that lacks the role.
  std::atomic<std::uint64_t> denied_without_token = 0, denied_unknown_token = 0, slowed = 0,
                             denied_role = 0;
};

}  // namespace gameflow::serve
