#include "log/rocksdb/disk_space.h"

#include <fmt/format.h>
#include <sys/statvfs.h>

namespace gameflow::log {

std::uint64_t DiskSpace::free_bytes() const {
  constexpr std::chrono::milliseconds kAskAgainAfter{100};
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (asked_at_ != std::chrono::steady_clock::time_point{} && now - asked_at_ < kAskAgainAfter) {
    return free_bytes_;
  }
  asked_at_ = now;
  struct statvfs info {};
  // If the question itself fails, the write that follows says why; the last answer stands.
  if (::statvfs(folder_.c_str(), &info) == 0) {
    free_bytes_ = std::uint64_t{info.f_bavail} * info.f_frsize;
  }
  return free_bytes_;
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
