#include "log/rocksdb/disk_space.h"

#include <fmt/format.h>
#include <sys/statvfs.h>

namespace gameflow::log {

std::uint64_t DiskSpace::free_bytes() const {
  struct statvfs info {};
  // If the question itself fails, the write that follows says why.
  if (::statvfs(folder_.c_str(), &info) != 0) return UINT64_MAX;
  return std::uint64_t{info.f_bavail} * info.f_frsize;
}

Status DiskSpace::check() const {
  const std::uint64_t free = free_bytes();
  if (free >= free_bytes_min_) return {};
  return fail(ErrorCode::kDiskFull,
              fmt::format("{} has {} MiB free, under the floor of {} MiB: nothing is written until "
                          "there is more. Free space, or shorten the retention of topics",
                          folder_.string(), free >> 20, free_bytes_min_ >> 20));
}

}  // namespace gameflow::log
