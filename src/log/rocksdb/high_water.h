// The high-water mark: a small file beside the database, which says how far its journals reached
// when records were acknowledged last. A start that finds less has lost some, and says so: to
// RocksDB a write-ahead log that is gone, or that was cut, looks like one that never was longer.
// (docs/design/topics.md says what it costs, docs/formats/store.md has its bytes.)
//
// Threads  HighWaterKeeper: any.
// Errors   kDataCorrupt: the file's own checksums are wrong. kDataUnwritable: it cannot be read or
//          written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <rocksdb/db.h>
#include <rocksdb/listener.h>

#include "base/error.h"
#include "base/file_handle.h"
#include "base/mutex.h"
#include "base/time.h"
#include "log/rocksdb/journal.h"

namespace gameflow::log {

inline constexpr std::string_view kHighWaterName = "HIGH-WATER";

struct HighWater {
  std::uint64_t sequence = 0;            // of the last write, as RocksDB counts them
  Timestamp at;                          // when it was on disk
  std::uint64_t log = 0, log_bytes = 0;  // the newest write-ahead log, and its length
  std::uint64_t manifest = 0, manifest_bytes = 0;

  std::string log_name() const;       // 000123.log
  std::string manifest_name() const;  // MANIFEST-000123

  bool operator==(const HighWater&) const = default;
};

// The last one that was written, or nothing where there is none: in a store from before there were
// marks.
Result<std::optional<HighWater>> read_high_water(const std::filesystem::path& folder);

// A file that holds this mark in place of the one that is there, durably.
Status write_high_water(const std::filesystem::path& folder, const HighWater& mark);

// What of the MANIFEST is missing, in words.
std::optional<std::string> missing_of_manifest(const HighWater& mark, const Journals& journals);

// What of the newest write-ahead log is missing. kFileGone: perhaps nothing is, where all of it was
// in tables already; then the sequence of the database decides.
enum class LogState : std::uint8_t { kWhole, kCut, kFileGone };
LogState state_of_log(const HighWater& mark, const Journals& journals);

// "000123.log is 17 bytes long, and was ...": for a log that is not whole. `found`: the last write
// that is there, where that is known.
std::string describe_loss(const HighWater& mark, const Journals& journals,
                          std::optional<std::uint64_t> found);

// Keeps the mark of an open database.
class HighWaterKeeper final : public rocksdb::EventListener {
 public:
  HighWaterKeeper() = default;
  HighWaterKeeper(const HighWaterKeeper&) = delete;
  HighWaterKeeper& operator=(const HighWaterKeeper&) = delete;

  // A new mark, for what is there now. Before, nothing is noted.
  Status start(rocksdb::DB& db, const std::filesystem::path& folder, Timestamp now);

  // Everything that was written is on disk. By the only writer, behind its fsync and before it
  // answers: about 4 us. The mark itself is not fsynced, so that it survives whatever befalls the
  // program but may be one of seconds ago after a power loss.
  Status note_synced(rocksdb::DB& db, Timestamp now);

  // Has the disk keep the last mark. May wait for it.
  void sync();

  // The MANIFEST lists new tables: soon logs whose data they hold are deleted.
  void OnFlushCompleted(rocksdb::DB* db, const rocksdb::FlushJobInfo& info) override;
  void OnCompactionCompleted(rocksdb::DB* db, const rocksdb::CompactionJobInfo& info) override;

  // The last one that was noted.
  HighWater mark() const;

 private:
  void note_manifest(rocksdb::DB& db);
  void take_manifest(const HighWater& seen) GF_REQUIRES(mutex_);
  Status write() GF_REQUIRES(mutex_);

  mutable Mutex mutex_;
  FileHandle file_ GF_GUARDED_BY(mutex_);
  std::uint64_t turn_ GF_GUARDED_BY(mutex_) = 0;  // counts marks
  HighWater mark_ GF_GUARDED_BY(mutex_);
};

}  // namespace gameflow::log
