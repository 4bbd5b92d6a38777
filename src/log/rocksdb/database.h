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
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/write_batch.h>

#include "base/error.h"
#include "log/rocksdb/id_expiry.h"

namespace gameflow::log {

class Database {
 public:
  // Opens the folder, or makes a new store of it if it holds none. Checks the format, and changes
  // nothing in a folder that it refuses. Holds up to about `open_files_max` files open. `env` is
  // how RocksDB gets at files: tests give one that stalls. kDataUnwritable, kDataLocked,
  // kDataCorrupt, kDiskFull
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& folder,
                                                std::uint32_t open_files_max = 512,
                                                rocksdb::Env* env = rocksdb::Env::Default());
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

  const std::filesystem::path& folder() const { return folder_; }

 private:
  Database(std::filesystem::path folder, std::uint32_t open_files_max, rocksdb::Env* env)
      : folder_(std::move(folder)), open_files_max_(open_files_max), env_(env) {}
  Status check_owner() const;
  Status open_rocksdb(bool create);
  Status check_format();

  std::filesystem::path folder_;
  std::uint32_t open_files_max_;
  rocksdb::Env* env_;
  const std::shared_ptr<IdExpiry> id_expiry_ = std::make_shared<IdExpiry>();
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyHandle* meta_ = nullptr;
  rocksdb::ColumnFamilyHandle* log_ = nullptr;
  rocksdb::ColumnFamilyHandle* state_ = nullptr;
  rocksdb::ColumnFamilyHandle* ids_ = nullptr;
};

// A status of reading: kDataCorrupt, with where and the way out.
Error read_error(const std::filesystem::path& folder, const rocksdb::Status& status);

// "The data in FOLDER is damaged: WHAT. ..." and the way out.
Error damaged(const std::filesystem::path& folder, std::string_view what);

// A string_view as RocksDB's own.
inline rocksdb::Slice slice(std::string_view text) {
  return {text.data(), text.size()};
}
inline std::string_view view(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

}  // namespace gameflow::log
