#include "log/rocksdb/disk_space.h"

#include <cerrno>
#include <cstring>
#include <optional>

#include <fmt/format.h>
#include <sys/statvfs.h>

namespace gameflow::log {
namespace {

// Nothing, and errno, if there is no such file.
std::optional<std::uint64_t> free_bytes_around(const std::filesystem::path& file) {
  struct statvfs info {};
  if (::statvfs(file.c_str(), &info) != 0) return std::nullopt;
  return std::uint64_t{info.f_bavail} * info.f_frsize;
}

}  // namespace

std::uint64_t DiskSpace::free_bytes() const {
  return free_bytes_around(store_).value_or(0);
}

Status DiskSpace::check() const {
  const std::optional<std::uint64_t> free = free_bytes_around(store_);
  if (!free) {
    return fail(
        ErrorCode::kDataUnwritable,
        fmt::format("the data folder {} is not what it was: {}: {}. Nothing is written until "
                    "it is back; a restart without it starts empty",
                    folder_.string(), store_.string(), std::strerror(errno)));
  }
  if (*free >= free_bytes_min_) return {};
  return fail(ErrorCode::kDiskFull,
              fmt::format("{} has {} MiB free, under the floor of {} MiB: nothing is written until "
                          "there is more. Free space, delete topics, or shorten their retention in "
                          "the dataflow and restart",
                          folder_.string(), *free >> 20, free_bytes_min_ >> 20));
}

}  // namespace gameflow::log
