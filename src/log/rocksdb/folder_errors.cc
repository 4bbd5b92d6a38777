#include "log/rocksdb/folder_errors.h"

#include <fmt/format.h>

namespace gameflow::log {
namespace {

namespace fs = std::filesystem;

bool mentions(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

Error unreachable(const fs::path& folder, std::string_view what) {
  const auto hint = [&]() -> std::string_view {
    if (mentions(what, "Too many open files")) return "Allow this user more open files (ulimit -n)";
    if (mentions(what, "Permission denied") || mentions(what, "not permitted") ||
        mentions(what, "Read-only file system") || mentions(what, "Not a directory")) {
      return "Give this user the right to read and write there";
    }
    if (mentions(what, "Input/output error"))
      return "Look into the system's log (dmesg) for what the disk has";
    return "Mend that";
  }();
  return {ErrorCode::kDataUnwritable,
          fmt::format("the data in {} cannot be read or written now: {}. Nothing says that it is "
                      "damaged, and nothing was changed. {}, and start again",
                      folder.string(), what, hint)};
}

Error in_folder(const fs::path& folder, const Error& error) {
  return error.code == ErrorCode::kDataCorrupt ? damaged(folder, error.message)
                                               : unreachable(folder, error.message);
}

Error in_use(const fs::path& folder) {
  return {ErrorCode::kDataLocked,
          fmt::format("the data folder {} is in use by another process. Stop it first, or choose "
                      "another folder",
                      folder.string())};
}

Error open_error(const fs::path& folder, const rocksdb::Status& status) {
  const std::string text = status.ToString();
  if (status.IsIOError() && (mentions(text, "lock hold by") || mentions(text, "While lock file"))) {
    return in_use(folder);
  }
  return read_error(folder, status);
}

Error damaged_end(const fs::path& folder, std::string_view what) {
  return {ErrorCode::kDataCorrupt,
          fmt::format("the data in {} is damaged: {}. Nothing was changed. Restore the folder from "
                      "a backup; to go on with what is left, start once with --accept-loss",
                      folder.string(), what)};
}

Error lost(const fs::path& folder, std::string_view what) {
  return {
      ErrorCode::kDataCorrupt,
      fmt::format("in {}, {}. Nothing was changed. Put the file back if it was moved, or restore "
                  "the folder from a backup; to go on without these records, start once with "
                  "--accept-loss",
                  folder.string(), what)};
}

Error damaged(const fs::path& folder, std::string_view what) {
  return {ErrorCode::kDataCorrupt,
          fmt::format("the data in {} is damaged: {}. Nothing was changed. Restore the folder from "
                      "a backup, or move it away to start empty",
                      folder.string(), what)};
}

// RocksDB wraps an error of the system in one of its own where it asks for all tables at once. A
// file that is gone is one too, but it does not come back by itself.
bool is_system_error(const rocksdb::Status& status) {
  const std::string text = status.ToString();
  if (status.IsPathNotFound() || mentions(text, "No such file or directory")) return false;
  return status.IsIOError() || mentions(text, "IO error: ");
}

Error read_error(const fs::path& folder, const rocksdb::Status& status) {
  if (status.IsNoSpace() || mentions(status.ToString(), "No space left on device")) {
    return {ErrorCode::kDiskFull,
            fmt::format("no space left to open the data folder {}", folder.string())};
  }
  return is_system_error(status) ? unreachable(folder, status.ToString())
                                 : damaged(folder, status.ToString());
}

}  // namespace gameflow::log
