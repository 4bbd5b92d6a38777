// What the server counts of itself, for /metrics.
//
// Threads  any.
#pragma once

#include <atomic>
#include <cstdint>

#include "http/connections.h"

namespace gameflow::http {

struct HttpStats {
  explicit HttpStats(const Connections& all) : connections(all) {}

  const Connections& connections;
  // Answered 503, or closed at once, because there was too much of this.
  std::atomic<std::uint64_t> refused_connections = 0, refused_bodies = 0, refused_replies = 0;
};

}  // namespace gameflow::http
