// The fake back end, for tests and `gameflow test`: the same behaviour in memory; failures, and
// offsets with gaps, on demand.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/time.h"
#include "log/store.h"

namespace gameflow::log {

// Everything runs inside the call, on the caller's thread, so a single-threaded test is
// deterministic.
class MemoryStore : public Store {
 public:
  // The next `count` commits fail with `error` and leave nothing behind.
  virtual void fail_next_commits(std::uint32_t count, ErrorCode error) = 0;
  // Takes back what power loss may take: the repeatable commits behind the last one that was not.
  virtual void lose_power() = 0;
};

struct MemoryOptions {
  // Offsets as Kafka's are: a commit leaves one without a record at the end of each partition that
  // it wrote, some batches have holes, and now and then many offsets are missing. The same seed and
  // commits give the same offsets. Nothing: no gaps.
  std::optional<std::uint32_t> gaps = std::nullopt;
};

std::unique_ptr<MemoryStore> make_memory_store(const Clock& clock,
                                               const MemoryOptions& options = {});

}  // namespace gameflow::log
