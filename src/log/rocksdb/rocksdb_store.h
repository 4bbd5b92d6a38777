// The durable back end: one RocksDB folder holds topics and state. Format: docs/formats/store.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "base/error.h"
#include "base/time.h"
#include "log/backups.h"
#include "log/erasures.h"
#include "log/store.h"

namespace rocksdb {
class Env;
}

namespace gameflow::log {

struct RocksdbOptions {
  std::filesystem::path folder;  // created if it does not exist
  Durability durability = Durability::kFsync;
  // Commits are refused (kDiskFull) while the file system has less than this free, and accepted
  // again once it has more. RocksDB 7.8.3 aborts if the disk really fills, so this must cover what
  // is in flight (64 MiB) and one flush.
  std::uint64_t disk_free_bytes_min = 256U << 20;
  // Recent batches kept in memory for tailing readers, all topics together.
  std::uint64_t tail_cache_bytes = 32U << 20;
  // Tables that are kept open, and files in work, about. If the process may not open as many beside
  // its other ones, a compaction may fail for it, and nothing is written until a restart.
  std::uint32_t open_files_max = 512;
  // Open also a folder in which acknowledged writes are missing, or a write-ahead log is damaged,
  // with all that was written before. What is left out is logged.
  bool accept_loss = false;
  const Clock* clock = nullptr;  // required; outlives the store
  // For tests: how RocksDB gets at files, such as a disk that stalls. Outlives the store.
  rocksdb::Env* env = nullptr;
};

class DurableStore : public Store, public Backups, public Erasures {};

// kDataUnwritable (the folder cannot be created, read or written now), kDataLocked (another process
// has it open), kDataCorrupt (damage, or acknowledged writes are missing; the message names file
// and way out), kDiskFull.
Result<std::unique_ptr<DurableStore>> open_rocksdb_store(const RocksdbOptions& options);

}  // namespace gameflow::log
