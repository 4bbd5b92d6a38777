#include "log/rocksdb/backup.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <rocksdb/metadata.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/utilities/checkpoint.h>

#include "log/rocksdb/erased.h"
#include "log/rocksdb/keys.h"
#include "log/rocksdb/load.h"

namespace gameflow::log {
namespace {

namespace fs = std::filesystem;

Error refused(const fs::path& folder, std::string_view why) {
  return {ErrorCode::kInvalidArgument,
          fmt::format("a backup cannot be made in {}: {}", folder.string(), why)};
}

Error taken(const fs::path& folder) {
  return refused(folder, "it is there already; name a folder that is not");
}

// Where a copy may go. kInvalidArgument
Status check_target(const fs::path& data, const fs::path& folder) {
  if (!folder.is_absolute()) return fail(refused(folder, "it must be an absolute path"));
  std::error_code error;
  if (fs::exists(folder, error)) return fail(taken(folder));
  const fs::path parent = folder.parent_path();
  if (!fs::is_directory(parent, error)) {
    return fail(refused(folder, fmt::format("the server sees no folder {}; make it first, where "
                                            "its user may look",
                                            parent.string())));
  }
  const fs::path within =
      fs::canonical(parent, error).lexically_relative(fs::canonical(data, error));
  if (!within.empty() && *within.begin() != "..")
    return fail(refused(folder, "it is inside the data folder"));
  return {};
}

class Verifier {
 public:
  explicit Verifier(Database& database) : database_(database) {}

  Result<Verified> verify() && {
    GF_TRY(check_tables());
    const auto loaded = load(database_);
    if (loaded) {
      GF_TRY(check_topics(loaded->catalog));
    } else {
      GF_TRY(note(loaded.error()));  // nothing is known of topics then; the rest is read
    }
    GF_TRY(check_family(database_.meta(), "metadata", nullptr));
    GF_TRY(check_family(database_.state(), "state", &found_.state_keys));
    if (database_.ids() != nullptr) GF_TRY(check_family(database_.ids(), "ids", &found_.ids));
    return std::move(found_);
  }

 private:
  // An error of the system ends it: it says nothing about the data.
  Status note(const Error& error) {
    if (error.code != ErrorCode::kDataCorrupt) return fail(error);
    found_.damages.push_back(error.message);
    return {};
  }
  Status note(const rocksdb::Status& status, std::string_view where) {
    if (is_system_error(status)) return fail(read_error(database_.folder(), status));
    found_.damages.push_back(fmt::format("{}: {}", where, status.ToString()));
    return {};
  }
  Status check_tables();
  Status check_topics(const Catalog& catalog);
  Status check_partition(const TopicInfo& topic, std::uint32_t number);
  Status check_family(rocksdb::ColumnFamilyHandle* family, std::string_view name,
                      std::uint64_t* count);

  Database& database_;
  Verified found_;
};

// Each block of each table, also those whose keys nobody reads.
Status Verifier::check_tables() {
  std::vector<rocksdb::LiveFileMetaData> tables;
  database_.db().GetLiveFilesMetaData(&tables);
  for (const rocksdb::LiveFileMetaData& table : tables) {
    ++found_.tables;
    found_.table_bytes += table.size;
    rocksdb::SstFileReader reader{rocksdb::Options()};
    rocksdb::Status status = reader.Open((database_.folder() / table.relative_filename).string());
    if (status.ok()) status = reader.VerifyChecksum();
    if (!status.ok()) GF_TRY(note(status, "table " + table.relative_filename));
  }
  return {};
}

Status Verifier::check_topics(const Catalog& catalog) {
  for (const TopicInfo& topic : catalog.topics()) {
    ++found_.topics;
    for (std::uint32_t i = 0; i < topic.partitions.size(); ++i) GF_TRY(check_partition(topic, i));
  }
  return {};
}

// Batches follow each other without gaps, from the beginning to the end.
Status Verifier::check_partition(const TopicInfo& topic, std::uint32_t number) {
  const PartitionInfo& info = topic.partitions[number];
  const std::string first = log_key(topic.id, number, info.begin);
  const std::string last = log_key(topic.id, number, info.end);
  const rocksdb::Slice end = last;
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &end;
  options.fill_cache = false;
  Offset next = info.begin;
  const auto wrong = [&](std::string_view what) {
    found_.damages.push_back(fmt::format("topic '{}', partition {}, offset {}: {}",
                                         topic.config.name, number, next.value, what));
  };
  const std::unique_ptr<rocksdb::Iterator> at(database_.db().NewIterator(options, database_.log()));
  for (at->Seek(first); at->Valid(); at->Next()) {
    const Offset base = base_offset_of(view(at->key()));
    if (base != next) wrong(fmt::format("the records up to offset {} are missing", base.value));
    next = base;
    const auto batch = decode_stored(view(at->value()), base);
    if (!batch) {
      wrong(batch.error().message);
      return {};  // where the next one begins is not known
    }
    ++found_.batches;
    if (batch->batch != nullptr) found_.records += batch->batch->size();
    next = batch->end;
  }
  if (at->status().ok()) {
    if (next != info.end) wrong(fmt::format("the records up to {} are missing", info.end.value));
    return {};
  }
  return note(at->status(), fmt::format("topic '{}', partition {}, offset {}", topic.config.name,
                                        number, next.value));
}

Status Verifier::check_family(rocksdb::ColumnFamilyHandle* family, std::string_view name,
                              std::uint64_t* count) {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> at(database_.db().NewIterator(options, family));
  for (at->SeekToFirst(); at->Valid(); at->Next()) {
    if (count != nullptr) ++*count;
  }
  return at->status().ok() ? Status{} : note(at->status(), name);
}

// A folder of its own beside a backup's, which goes with all that is in it. RocksDB works in FOLDER
// and in FOLDER.tmp, and removes what it finds there: neither may be anybody else's.
class Workplace {
 public:
  static Result<std::unique_ptr<Workplace>> make(const fs::path& parent) {
    std::string name = (parent / ".gameflow-backup-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      const int error = errno;
      return fail(error == ENOSPC ? ErrorCode::kDiskFull : ErrorCode::kDataUnwritable,
                  fmt::format("a backup cannot be made in {}: {}. Give the server's user the right "
                              "to write there",
                              parent.string(), std::strerror(error)));
    }
    return std::make_unique<Workplace>(name);
  }
  explicit Workplace(fs::path folder) : folder_(std::move(folder)) {}
  Workplace(const Workplace&) = delete;
  Workplace& operator=(const Workplace&) = delete;
  ~Workplace() {
    std::error_code error;
    fs::remove_all(folder_, error);
  }
  fs::path copy() const { return folder_ / "copy"; }

  // The copy gets its name, if nobody has taken that meanwhile.
  Status move_copy(const fs::path& to) const {
    const std::string from = copy().string();
    int error = ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0
                    ? 0
                    : errno;
    std::error_code missing;
    if (error == EINVAL && !fs::exists(to, missing))  // not on every file system
      error = ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
    if (error == 0) return {};
    if (error == EEXIST || error == EINVAL) return fail(taken(to));
    return fail(ErrorCode::kDataUnwritable, fmt::format("the backup cannot be moved to {}: {}",
                                                        to.string(), std::strerror(error)));
  }

 private:
  fs::path folder_;
};

}  // namespace

Result<Backup> back_up(Database& database, const fs::path& wanted) {
  const fs::path folder = wanted.has_filename() ? wanted : wanted.parent_path();  // "monday/"
  GF_TRY(check_target(database.folder(), folder));
  GF_ASSIGN(const auto workplace, Workplace::make(folder.parent_path()));
  // From before the copy, which so holds all that it says.
  const HighWater mark = database.high_water().mark();
  rocksdb::Checkpoint* made = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(&database.db(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  // Logs are copied, not flushed: that takes a moment, and the server's tables stay as they are.
  if (status.ok())
    status = checkpoint->CreateCheckpoint(workplace->copy().string(),
                                          std::numeric_limits<std::uint64_t>::max());
  if (!status.ok()) {
    return fail(status.IsNoSpace() ? ErrorCode::kDiskFull : ErrorCode::kDataUnwritable,
                fmt::format("the backup in {} failed: {}. Nothing is left of it", folder.string(),
                            status.ToString()));
  }
  GF_TRY(write_high_water(workplace->copy(), mark));
  GF_TRY(workplace->move_copy(folder));
  Backup backup;
  std::error_code error;
  for (fs::directory_iterator file(folder, error); !error && file != fs::directory_iterator();
       file.increment(error)) {
    ++backup.files;
    backup.bytes += file->file_size(error);
    if (file->hard_link_count(error) > 1) ++backup.files_linked;
  }
  return backup;
}

Result<Verified> verify_store(const fs::path& folder) {
  GF_ASSIGN(const std::unique_ptr<Database> database, Database::open_to_read(folder));
  return Verifier(*database).verify();
}

}  // namespace gameflow::log
