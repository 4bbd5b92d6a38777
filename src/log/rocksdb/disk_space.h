// The file system that holds the data: that it still does, and the floor of free space under which
// nothing is written.
//
// Threads  any.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/error.h"

namespace gameflow::log {

class DiskSpace {
 public:
  // `folder` holds an open store.
  DiskSpace(const std::filesystem::path& folder, std::uint64_t free_bytes_min)
      : folder_(folder), store_(folder / "CURRENT"), free_bytes_min_(free_bytes_min) {}

  // What is free for this user now; 0 if that cannot be said. Asked anew each time: it costs a
  // microsecond, and a compaction can take 64 MiB of a fast disk in less than the 100 ms for which
  // an answer was once kept.
  std::uint64_t free_bytes() const;
  // kDiskFull under the floor. kDataUnwritable once the folder was removed or moved away: writing
  // would go on for megabytes, into files that have no name any more.
  Status check() const;

 private:
  const std::filesystem::path folder_, store_;
  const std::uint64_t free_bytes_min_;
};

}  // namespace gameflow::log
