#include "log/rocksdb/disk_space.h"

#include <cerrno>
#include <cstring>
#include <system_error>

#include <fmt/format.h>
#include <sys/statvfs.h>

namespace gameflow::log {
namespace {

namespace fs = std::filesystem;

// Nothing, and errno, if there is no such file.
std::optional<std::uint64_t> free_bytes_around(const fs::path& file) {
  struct statvfs info {};
  if (::statvfs(file.c_str(), &info) != 0) return std::nullopt;
  return std::uint64_t{info.f_bavail} * info.f_frsize;
}

std::uint64_t used_bytes_of(const fs::path& folder) {
  std::uint64_t bytes = 0;
  std::error_code error;
  // Files come and go meanwhile: one that cannot be asked counts nothing.
  for (fs::directory_iterator file(folder, error); !error && file != fs::directory_iterator();
       file.increment(error)) {
    std::error_code ignored;
    const auto size = file->file_size(ignored);
    if (!ignored) bytes += size;
  }
  return bytes;
}

}  // namespace

Status DiskSpace::check() {
  const MutexLock asking(asking_);
  const std::optional<std::uint64_t> free = free_bytes_around(store_);
  Status status = judge(free, errno);
  const MutexLock lock(mutex_);
  seen_.free_bytes = free.value_or(0);
  seen_.status = status;
  return status;
}

void DiskSpace::look() {
  (void)check();
  const std::uint64_t used = used_bytes_of(folder_);
  const MutexLock lock(mutex_);
  seen_.used_bytes = used;
}

DiskSpace::Seen DiskSpace::seen() const {
  const MutexLock lock(mutex_);
  return seen_;
}

Status DiskSpace::judge(const std::optional<std::uint64_t>& free_bytes, int error) const {
  if (!free_bytes) {
    return fail(
        ErrorCode::kDataUnwritable,
        fmt::format("the data folder {} is not what it was: {}: {}. Nothing is written until "
                    "it is back; a restart without it starts empty",
                    folder_.string(), store_.string(), std::strerror(error)));
  }
  if (*free_bytes >= free_bytes_min_) return {};
  return fail(ErrorCode::kDiskFull,
              fmt::format("{} has {} MiB free, under the floor of {} MiB: nothing is written until "
                          "there is more. Free space, delete topics, or shorten their retention in "
                          "the dataflow and restart",
                          folder_.string(), *free_bytes >> 20, free_bytes_min_ >> 20));
}

}  // namespace gameflow::log
