// The process's memory against its limit, as everybody sees it.
//
// Threads  all methods: any. A reading costs some microseconds, with RLIMIT_AS up to a millisecond,
//          and is at most 100 ms old.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>

#include "base/error.h"
#include "base/memory_limit.h"
#include "base/mutex.h"
#include "base/time.h"

namespace gameflow {

class MemoryWatch {
 public:
  using Level = MemoryLimit::Level;
  using Read = std::function<MemoryUse()>;

  // `read` tells what is used: read_memory_use, or a test. `clock` outlives the watch.
  MemoryWatch(const MemoryLimit& limit, const Clock& clock, Read read);

  // Looks now, and before it calls memory tight or full gives back what was freed (at most once a
  // second, as that takes time). For the engine, after each epoch.
  Level look();
  // An allocation failed; memory counts as full for a while.
  void ran_out();

  Level level() const;
  // kMemoryFull, with the figures and what to do, while producers are to be refused.
  Status status() const;
  std::uint64_t used() const;
  std::uint64_t max() const { return max_; }
  std::uint64_t left() const;

 private:
  static constexpr Duration kAgeMax{100};
  static constexpr Duration kTrimInterval{1'000};

  void refresh() const;
  void observe(Duration now) const GF_REQUIRES(mutex_);

  const std::uint64_t max_;
  const Clock& clock_;
  const Read read_;
  mutable Mutex mutex_;  // held while reading
  mutable MemoryLimit limit_ GF_GUARDED_BY(mutex_);
  std::optional<Duration> trimmed_at_ GF_GUARDED_BY(mutex_);
  // Copies of what limit_ says, so that nobody waits for a reading.
  mutable std::atomic<std::int64_t> read_at_ms_;
  mutable std::atomic<std::uint64_t> used_ = 0;
  mutable std::atomic<Level> level_ = Level::kFine;
};

}  // namespace gameflow
