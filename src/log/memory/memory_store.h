// The fake back end, for tests and `gameflow test`: the same behaviour in memory, and failures on
// demand.
#pragma once

#include <cstdint>
#include <memory>

#include "base/error.h"
#include "base/time.h"
#include "log/store.h"

namespace gameflow::log {

// Commits run inside submit(), on the caller's thread, so a single-threaded test is deterministic.
class MemoryStore : public Store {
 public:
  // The next `count` commits fail with `error` and leave nothing behind.
  virtual void fail_next_commits(std::uint32_t count, ErrorCode error) = 0;
};

std::unique_ptr<MemoryStore> make_memory_store(const Clock& clock);

}  // namespace gameflow::log
