// The store as an operator sees it.
//
// Threads  every method may be called from any thread. health() and stats() wait neither for a
//          commit nor for the disk.
#pragma once

#include <array>
#include <cstdint>

#include "base/error.h"

namespace gameflow::log {

class StoreHealth {
 public:
  virtual ~StoreHealth() = default;

  // Why commits cannot be accepted at the moment, or success: kDiskFull, kDataUnwritable,
  // kOutcomeUnknown, kClosed. What it says of the disk may be a second old.
  virtual Status health() const = 0;

  // Upper bounds of the buckets of Stats::commit_seconds.
  static constexpr std::array kCommitSecondsMax = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                   0.25,  0.5,    1.0,   2.5,  5.0,   10.0};
  struct Stats {
    std::uint64_t commits = 0, records = 0, bytes_raw = 0, bytes_stored = 0, fsyncs = 0;
    // As of a second ago at most.
    std::uint64_t disk_free_bytes = 0, disk_used_bytes = 0;
    // Commits that wait are written as one group. From the start of a group to its acknowledgement:
    // summed, and how many groups fall into each bucket, the last one having no bound.
    std::uint64_t groups = 0;
    double commit_seconds_total = 0;
    std::array<std::uint64_t, kCommitSecondsMax.size() + 1> commit_seconds = {};
    // What is not acknowledged yet: memory, and how long the oldest has been waiting.
    std::uint64_t queue_bytes = 0;
    double queue_seconds = 0;

    void add_group(double seconds);
  };
  virtual Stats stats() const = 0;

  // Applies retention now; the back end also does so about once a minute by itself.
  virtual Status apply_retention() = 0;

  // Commits everything submitted, then refuses more (kClosed). Idempotent; the destructor calls it.
  virtual void close() = 0;
};

}  // namespace gameflow::log
