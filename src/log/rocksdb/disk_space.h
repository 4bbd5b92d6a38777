// The file system that holds the data: that it still does, what is free, and the floor of free
// space under which nothing is written.
//
// Threads  any. check() and look() ask the file system, which may wait for a disk that stalls;
//          seen() never does.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "base/error.h"
#include "base/mutex.h"

namespace gameflow::log {

class DiskSpace {
 public:
  // `folder` holds an open store.
  DiskSpace(const std::filesystem::path& folder, std::uint64_t free_bytes_min)
      : folder_(folder), store_(folder / "CURRENT"), free_bytes_min_(free_bytes_min) {
    look();
  }

  // kDiskFull under the floor. kDataUnwritable once the folder was removed or moved away: writing
  // would go on for megabytes, into files that have no name any more. Asked anew each time, before
  // each write: it costs a microsecond, and a compaction can take 64 MiB of a fast disk in less
  // than the 100 ms for which an answer was once kept.
  Status check();
  // The same, and what the files of the folder take, for seen(): to be called about once a second.
  void look();

  // What was found last.
  struct Seen {
    Status status;                 // as check()
    std::uint64_t free_bytes = 0;  // for this user; 0 if that cannot be said
    std::uint64_t used_bytes = 0;  // of all files in the folder
  };
  Seen seen() const;

 private:
  Status judge(const std::optional<std::uint64_t>& free_bytes, int error) const;

  const std::filesystem::path folder_, store_;
  const std::uint64_t free_bytes_min_;
  Mutex asking_;  // held from the question to its answer in seen_, so that the last one counts
  mutable Mutex mutex_;  // never held during I/O
  Seen seen_ GF_GUARDED_BY(mutex_);
};

}  // namespace gameflow::log
