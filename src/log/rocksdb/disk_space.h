// Free space of the file system that holds the data, and the floor under which nothing is written.
//
// Threads  any.
#pragma once

#include <cstdint>
#include <filesystem>
#include <utility>

#include "base/error.h"

namespace gameflow::log {

class DiskSpace {
 public:
  DiskSpace(std::filesystem::path folder, std::uint64_t free_bytes_min)
      : folder_(std::move(folder)), free_bytes_min_(free_bytes_min) {}

  // What is free for this user now. Asked anew each time: it costs a microsecond, and a compaction
  // can take 64 MiB of a fast disk in less than the 100 ms for which an answer was once kept.
  std::uint64_t free_bytes() const;
  // kDiskFull under the floor
  Status check() const;

 private:
  const std::filesystem::path folder_;
  const std::uint64_t free_bytes_min_;
};

}  // namespace gameflow::log
