// Free space of the file system that holds the data, and the floor under which nothing is written.
//
// Threads  any.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <mutex>

#include "base/error.h"

namespace gameflow::log {

class DiskSpace {
 public:
  DiskSpace(std::filesystem::path folder, std::uint64_t free_bytes_min)
      : folder_(std::move(folder)), free_bytes_min_(free_bytes_min) {}

  // What is free for this user, at most 100 ms ago.
  std::uint64_t free_bytes() const;
  // kDiskFull under the floor
  Status check() const;

 private:
  const std::filesystem::path folder_;
  const std::uint64_t free_bytes_min_;
  mutable std::mutex mutex_;  // guards the two below
  mutable std::chrono::steady_clock::time_point asked_at_{};
  mutable std::uint64_t free_bytes_ = 0;
};

}  // namespace gameflow::log
