// The opened RocksDB folder: options, column families, and errors in our words.
//
// Threads  as rocksdb::DB: any.
// Errors   RocksDB statuses become ours here and nowhere else.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/write_batch.h>

#include "base/error.h"
#include "base/file_handle.h"
#include "log/rocksdb/folder_errors.h"
#include "log/rocksdb/high_water.h"
#include "log/rocksdb/id_expiry.h"

namespace gameflow::log {

struct DatabaseOptions {
  std::uint32_t open_files_max = 512;           // about
  rocksdb::Env* env = rocksdb::Env::Default();  // how RocksDB gets at files
  bool accept_loss = false;                     // as RocksdbOptions
};

class Database {
 public:
  // Opens the folder, or makes a new store of it if it holds none. Checks the format and that no
  // acknowledged write is missing, and changes nothing in a folder that it refuses. With
  // accept_loss what is left out is kept in a folder `lost` in it. kDataUnwritable, kDataLocked,
  // kDataCorrupt, kDiskFull
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& folder,
                                                const DatabaseOptions& options = {});
  // To read only, as it is and without a word of RocksDB's own; nobody else can have it open
  // meanwhile. kFileUnreadable: there is no store in it.
  static Result<std::unique_ptr<Database>> open_to_read(const std::filesystem::path& folder);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  rocksdb::DB& db() { return *db_; }
  rocksdb::ColumnFamilyHandle* meta() { return meta_; }
  rocksdb::ColumnFamilyHandle* log() { return log_; }
  rocksdb::ColumnFamilyHandle* state() { return state_; }
  rocksdb::ColumnFamilyHandle* ids() { return ids_; }
  IdExpiry& id_expiry() { return *id_expiry_; }

  // kDataCorrupt
  Result<std::optional<std::string>> get(rocksdb::ColumnFamilyHandle* family, std::string_view key);

  // The values of keys of ids(). kDataCorrupt
  Result<std::vector<std::optional<std::string>>> get_ids(std::span<const std::string> keys);

  // Gives the files that hold nothing but log keys in [begin, end) back to the file system. The
  // keys must be deleted already; what is left of them goes with compaction.
  Status drop_files(std::string_view begin, std::string_view end);

  // Writes anew the tables of these ranges of log(), of meta() and state(), and gives up what is
  // older: what has been deleted or replaced there is in no table and in no write-ahead log any
  // more.
  Status purge(std::span<const std::pair<std::string, std::string>> ranges);

  const std::filesystem::path& folder() const { return folder_; }

  // Once what it holds is known to be right: from here on the mark is kept. kDataUnwritable
  Status start_high_water(Timestamp now);
  HighWaterKeeper& high_water() { return *high_water_; }

 private:
  enum class Access : std::uint8_t { kCreate, kWrite, kRead };

  Database(std::filesystem::path folder, const DatabaseOptions& options)
      : folder_(std::move(folder)), options_(options) {}
  rocksdb::DBOptions db_options(Access access) const;
  Status lock();
  Status lock_to_read();
  void unlock();
  Status check_whole();
  Status check_journals_and_mark() const;
  Status check_what_is_left();
  Result<std::uint64_t> last_write();
  Status check_owner() const;
  Error open_failure(const rocksdb::Status& status) const;
  Status open_rocksdb(Access access);
  Status check_format();

  std::filesystem::path folder_;
  DatabaseOptions options_;
  rocksdb::FileLock* lock_ = nullptr;  // while RocksDB itself does not hold it
  FileHandle read_lock_;
  std::string loss_;  // acknowledged writes that it goes on without, in words
  const std::shared_ptr<IdExpiry> id_expiry_ = std::make_shared<IdExpiry>();
  const std::shared_ptr<HighWaterKeeper> high_water_ = std::make_shared<HighWaterKeeper>();
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyHandle* meta_ = nullptr;
  rocksdb::ColumnFamilyHandle* log_ = nullptr;
  rocksdb::ColumnFamilyHandle* state_ = nullptr;
  rocksdb::ColumnFamilyHandle* ids_ = nullptr;
};

// A string_view as RocksDB's own.
inline rocksdb::Slice slice(std::string_view text) {
  return {text.data(), text.size()};
}
inline std::string_view view(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

}  // namespace gameflow::log
