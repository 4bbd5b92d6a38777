// A copy of a store at work, and what a copy, or any store that is not at work, holds: all of it
// read against its checksums.
//
// Threads  any.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "log/backups.h"
#include "log/rocksdb/database.h"

namespace gameflow::log {

// As Backups.
Result<Backup> back_up(Database& database, const std::filesystem::path& folder);

struct Verified {
  std::uint64_t tables = 0, table_bytes = 0;
  std::uint64_t topics = 0, records = 0, batches = 0;
  std::uint64_t state_keys = 0, ids = 0;
  std::vector<std::string> damages;  // what, and where; empty: none
};

// Reads all of the folder, which stays as it is. kFileUnreadable: there is no store in it.
// kDataLocked: a server has it open. kDataUnwritable: it cannot be read now. kDataCorrupt: it is
// damaged in a way that says nothing of the rest.
Result<Verified> verify_store(const std::filesystem::path& folder);

}  // namespace gameflow::log
