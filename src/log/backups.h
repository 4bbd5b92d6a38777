// Copies of a store at work, for operators.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/error.h"

namespace gameflow::log {

struct Backup {
  std::uint64_t files = 0, bytes = 0;
  std::uint64_t files_linked = 0;  // of these, what the store and its copy share: hard links
};

class Backups {
 public:
  Backups() = default;
  Backups(const Backups&) = delete;
  Backups& operator=(const Backups&) = delete;
  virtual ~Backups() = default;

  // Makes the folder: a store of its own, with everything that was acknowledged before the call,
  // and topics and state of one moment. Commits go on meanwhile. Tables, which never change, are
  // shared where both are on one file system. Any thread; takes as long as copying the write-ahead
  // log (128 MiB), or on another file system everything. kInvalidArgument: not an absolute path, or
  // the folder is there already, or within the store's. kDataUnwritable, kDiskFull: nothing is left
  // of it.
  virtual Result<Backup> back_up(const std::filesystem::path& folder) = 0;
};

}  // namespace gameflow::log
