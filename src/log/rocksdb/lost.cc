#include "log/rocksdb/lost.h"

#include <cerrno>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "base/file_handle.h"
#include "log/rocksdb/high_water.h"
#include "log/rocksdb/journal.h"

namespace gameflow::log {
namespace {

namespace fs = std::filesystem;

bool is_kept(const fs::path& file) {
  const std::string name = file.filename().string();
  return is_write_ahead_log(file) || name.starts_with("MANIFEST-") || name == "CURRENT" ||
         name == kHighWaterName;
}

std::error_code sync(const fs::path& path) {
  const FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file && ::fsync(file.get()) == 0) return {};
  return {errno, std::system_category()};
}

// The first that fails.
std::error_code copy_journals(const fs::path& folder, const fs::path& target) {
  std::error_code error;
  fs::create_directories(target, error);
  for (fs::directory_iterator file(folder, error); !error && file != fs::directory_iterator();
       file.increment(error)) {
    if (!is_kept(file->path())) continue;
    const fs::path copy = target / file->path().filename();
    if (!fs::copy_file(file->path(), copy, error)) break;
    if ((error = sync(copy))) break;
  }
  for (const fs::path& made : {target, target.parent_path(), folder})
    if (!error) error = sync(made);
  return error;
}

}  // namespace

Status keep_journals(const fs::path& folder) {
  std::error_code error;
  fs::path target;
  for (int number = 1; target.empty() || fs::exists(target, error); ++number)
    target = folder / "lost" / std::to_string(number);
  error = copy_journals(folder, target);
  if (!error) {
    spdlog::warn(
        "the write-ahead logs as they were are kept in {0}; once nobody needs them: rm -r {0}",
        target.string());
    return {};
  }
  std::error_code ignored;
  fs::remove_all(target, ignored);
  return fail(
      error == std::errc::no_space_on_device ? ErrorCode::kDiskFull : ErrorCode::kDataUnwritable,
      fmt::format("what --accept-loss would leave out cannot be kept in {}: {}. Nothing "
                  "was changed; mend that, and start again",
                  target.string(), error.message()));
}

}  // namespace gameflow::log
