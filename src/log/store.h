// The store: topics, and the engine's state beside them, in one place that commits atomically.
//
// Everything above sees the world through this seam, and mostly through one of its parts: take the
// narrow one. Back ends are rocksdb/ (durable) and memory/ (for tests and `gameflow test`; can fail
// on demand).
#pragma once

#include <cstdint>

#include "log/commits.h"
#include "log/log.h"
#include "log/producing.h"
#include "log/state_kv.h"
#include "log/store_health.h"
#include "log/topics.h"

namespace gameflow::log {

// What an acknowledged commit survives.
enum class Durability : std::uint8_t {
  // Power loss: the log is fsynced before the acknowledgement, one fsync for a group of commits.
  kFsync,
  // A crash of the program; after power loss at most the last interval (1 s) is gone.
  kInterval,
  // A crash of the program; the operating system writes when it likes.
  kNone,
};

class Store : public Topics,
              public Log,
              public Producing,
              public Commits,
              public StateKv,
              public StoreHealth {
 public:
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  ~Store() override = default;
};

}  // namespace gameflow::log
