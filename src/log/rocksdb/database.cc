#include "log/rocksdb/database.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>
#include <spdlog/spdlog.h>

#include "log/rocksdb/families.h"
#include "log/rocksdb/folder_errors.h"
#include "log/rocksdb/info_log.h"
#include "log/rocksdb/journal.h"
#include "log/rocksdb/keys.h"
#include "log/rocksdb/load.h"
#include "log/rocksdb/lost.h"

namespace gameflow::log {
namespace {

namespace fs = std::filesystem;

// Together with table readers these bound what RocksDB keeps in memory.
constexpr std::size_t kBlockCacheBytes = 8U << 20;
constexpr std::size_t kWriteBufferBytes = 64U << 20;

constexpr const char* kLogFamily = "log";
constexpr const char* kStateFamily = "state";
constexpr const char* kIdFamily = "ids";  // since 0.2: a store without it gets it

enum class Content {
  kStore,      // a RocksDB
  kNone,       // nothing of one: make a new store
  kNoCurrent,  // parts of one without CURRENT: RocksDB would take it for empty and delete them
  kNoLog,      // one that has lost its write-ahead log: RocksDB would take that for empty
};

// There always is a log, except while a store is being made.
bool is_new(const fs::path& current) {
  std::ifstream in(current);
  std::string manifest;
  return std::getline(in, manifest) && manifest == "MANIFEST-000001";
}

tl::unexpected<Error> folder_unreadable(const fs::path& folder, const std::error_code& error) {
  return fail(ErrorCode::kDataUnwritable,
              fmt::format("cannot read the data folder {}: {}. Give this user the right to read "
                          "and write there",
                          folder.string(), error.message()));
}

Status make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error) return {};
  return fail(ErrorCode::kDataUnwritable,
              fmt::format("cannot create the data folder {}: {}. Choose another one, or create it "
                          "and give this user the right to write there",
                          folder.string(), error.message()));
}

Result<Content> look_into(const fs::path& folder) {
  std::error_code error;
  bool current = false, log = false, other = false;
  for (fs::directory_iterator file(folder, error); !error && file != fs::directory_iterator();
       file.increment(error)) {
    const fs::path& path = file->path();
    current = current || path.filename() == "CURRENT";
    log = log || is_write_ahead_log(path);
    other = other || path.extension() == ".sst" || path.filename() == kHighWaterName;
  }
  if (error) return folder_unreadable(folder, error);
  if (!current) return log || other ? Content::kNoCurrent : Content::kNone;
  return log || is_new(folder / "CURRENT") ? Content::kStore : Content::kNoLog;
}

// Of files that belong together, whether all kinds are there.
Status check_content(const fs::path& folder, Content content, bool accept_loss) {
  if (content == Content::kNoCurrent)
    return fail(damaged(folder, "the file CURRENT is missing beside logs and tables"));
  if (content == Content::kNoLog && !accept_loss)
    return fail(lost(folder, "the write-ahead log is missing, a file such as 000123.log"));
  return {};
}

// Without it RocksDB ends the process where the disk fills while it opens.
Status check_room(const fs::path& folder) {
  constexpr std::uintmax_t kRoomMin = 1U << 20;
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  if (error || space.available >= kRoomMin) return {};
  return fail(ErrorCode::kDiskFull,
              fmt::format("no space left to open the data folder {}: {} KiB are free, and 1 MiB is "
                          "needed",
                          folder.string(), space.available >> 10));
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open(const fs::path& folder,
                                                 const DatabaseOptions& options) {
  GF_TRY(make_folder(folder));
  GF_ASSIGN(const Content content, look_into(folder));
  GF_TRY(check_content(folder, content, options.accept_loss));
  GF_TRY(check_room(folder));
  std::unique_ptr<Database> database(new Database(folder, options));
  if (content != Content::kNone) {
    GF_TRY(database->lock());
    GF_TRY(database->check_whole());
    GF_TRY(database->check_owner());
    if (!database->loss_.empty()) {
      GF_TRY(keep_journals(folder));
      spdlog::warn("{}", database->loss_);
    }
    database->unlock();
  }
  GF_TRY(database->open_rocksdb(content == Content::kNone ? Access::kCreate : Access::kWrite));
  GF_TRY(database->check_format());
  return database;
}

Result<std::unique_ptr<Database>> Database::open_to_read(const fs::path& folder) {
  std::error_code error;
  const bool is_there = fs::exists(folder, error) || error;
  const Result<Content> content = is_there ? look_into(folder) : Content::kNone;
  if (!content) return fail(content.error());
  if (*content == Content::kNone) {
    return fail(ErrorCode::kFileUnreadable,
                fmt::format("there is no data of gameflow in {}: its file CURRENT is missing",
                            folder.string()));
  }
  GF_TRY(check_content(folder, *content, false));
  std::unique_ptr<Database> database(new Database(folder, {}));
  GF_TRY(database->lock_to_read());
  GF_TRY(database->check_whole());
  GF_TRY(database->check_owner());
  GF_TRY(database->open_rocksdb(Access::kRead));
  return database;
}

Status Database::lock() {
  const auto status = options_.env->LockFile((folder_ / "LOCK").string(), &lock_);
  if (!status.ok()) return fail(open_error(folder_, status));
  return {};
}

// Keeps writers out without writing: a backup may be another user's, or on a disk that cannot be
// written. Where there is no file to lock nobody has the store open.
Status Database::lock_to_read() {
  const fs::path file = folder_ / "LOCK";
  read_lock_ = FileHandle(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!read_lock_) {
    if (errno == ENOENT) return {};
    return fail(unreachable(folder_, fmt::format("{}: {}", file.string(), std::strerror(errno))));
  }
  struct flock whole = {};
  whole.l_type = F_RDLCK;
  if (::fcntl(read_lock_.get(), F_OFD_SETLK, &whole) == 0) return {};
  return fail(in_use(folder_));
}

void Database::unlock() {
  if (lock_ != nullptr) options_.env->UnlockFile(lock_);
  lock_ = nullptr;
}

rocksdb::DBOptions Database::db_options(Access access) const {
  rocksdb::DBOptions options;
  options.env = options_.env;
  options.create_if_missing = access == Access::kCreate;
  options.create_missing_column_families = access != Access::kRead;
  // The default mode drops everything after a damaged record, acknowledged or not, without a word.
  options.wal_recovery_mode = options_.accept_loss
                                  ? rocksdb::WALRecoveryMode::kPointInTimeRecovery
                                  : rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // Of logs that are closed; of the newest one the high-water mark knows.
  options.track_and_verify_wals_in_manifest = !options_.accept_loss;
  options.fail_if_options_file_error = true;
  options.max_open_files = static_cast<int>(options_.open_files_max);
  options.max_background_jobs = 2;
  options.max_total_wal_size = 128U << 20;  // a quiet column family must not keep old logs alive
  options.bytes_per_sync = 1U << 20;        // write back evenly, not in bursts that delay fsyncs
  options.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(kWriteBufferBytes, nullptr);
  options.info_log = make_info_log();
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  if (access != Access::kRead) options.listeners.push_back(high_water_);
  return options;
}

// Whether the journals hold all that was acknowledged. Nobody else has the folder open meanwhile.
Status Database::check_whole() {
  return options_.accept_loss ? check_what_is_left() : check_journals_and_mark();
}

Status Database::check_journals_and_mark() const {
  const auto mark = read_high_water(folder_);
  const auto journals = check_journals(folder_);
  if (!mark || !journals) {
    const Error& error = journals ? mark.error() : journals.error();
    const bool is_damaged = error.code == ErrorCode::kDataCorrupt;
    return fail(is_damaged && check_journals(folder_, JournalKinds::kManifest)
                    ? damaged_end(folder_, error.message)
                    : in_folder(folder_, error));
  }
  if (!*mark) return {};
  if (const auto missing = missing_of_manifest(**mark, *journals))
    return fail(damaged(folder_, *missing));
  const LogState state = state_of_log(**mark, *journals);
  if (state == LogState::kWhole) return {};
  const auto left = Database(folder_, options_).last_write();
  if (!left && left.error().code != ErrorCode::kDataCorrupt) return fail(left.error());
  if (left && *left >= (*mark)->sequence && state == LogState::kFileGone) return {};
  return fail(
      lost(folder_, describe_loss(**mark, *journals, left ? std::optional(*left) : std::nullopt)));
}

// With accept_loss: whether topics and state are consistent without what is lost.
Status Database::check_what_is_left() {
  const auto journals = check_journals(folder_, JournalKinds::kManifest);
  if (!journals) return fail(in_folder(folder_, journals.error()));
  const auto mark = read_high_water(folder_);
  if (mark && *mark) {
    if (const auto missing = missing_of_manifest(**mark, *journals))
      return fail(damaged(folder_, *missing));
  }
  Database look(folder_, options_);
  GF_ASSIGN(const std::uint64_t left, look.last_write());
  if (const auto loaded = load(look); !loaded) {
    return fail(loaded.error().code,
                fmt::format("{}. --accept-loss cannot go on from there", loaded.error().message));
  }
  if (!mark || !*mark) {
    loss_ = fmt::format(
        "going on with what is there, as --accept-loss says: how much is missing in {} cannot be "
        "said",
        folder_.string());
  } else if (left < (*mark)->sequence) {
    loss_ = fmt::format(
        "going on without acknowledged writes {} to {}, the last of {}, as --accept-loss says",
        left + 1, (*mark)->sequence, format_timestamp((*mark)->at));
  } else {
    spdlog::warn("nothing that was acknowledged is missing in {}: --accept-loss is not needed",
                 folder_.string());
  }
  return {};
}

// The number of the last write that is there. Opens the folder to read.
Result<std::uint64_t> Database::last_write() {
  GF_TRY(open_rocksdb(Access::kRead));
  return db_->GetLatestSequenceNumber();
}

// RocksDB would add our column families to a database of any program.
Status Database::check_owner() const {
  const auto foreign = [this](std::string_view what) {
    return fail(ErrorCode::kDataCorrupt,
                fmt::format("{} holds {}: it was written by another program, or by another version "
                            "of gameflow. Nothing was changed. Choose another data folder",
                            folder_.string(), what));
  };
  std::vector<std::string> names;
  rocksdb::Status status =
      rocksdb::DB::ListColumnFamilies(db_options(Access::kRead), folder_.string(), &names);
  if (!status.ok()) return fail(open_failure(status));
  for (const std::string& name : names) {
    if (name == rocksdb::kDefaultColumnFamilyName || name == kLogFamily || name == kStateFamily ||
        name == kIdFamily) {
      continue;
    }
    return foreign(fmt::format("a RocksDB with a column family '{}'", name));
  }
  if (names.size() >= 3) return {};
  if (fs::exists(folder_ / kHighWaterName)) {
    return fail(damaged(folder_, "the MANIFEST lists not all column families that were there"));
  }
  // The making of the store was cut short, or it is a database of somebody else.
  rocksdb::DB* opened = nullptr;
  status = rocksdb::DB::OpenForReadOnly(rocksdb::Options(), folder_.string(), &opened);
  const std::unique_ptr<rocksdb::DB> db(opened);
  if (!status.ok()) return fail(open_error(folder_, status));
  const std::unique_ptr<rocksdb::Iterator> first(db->NewIterator(rocksdb::ReadOptions()));
  first->SeekToFirst();
  if (first->Valid() || !first->status().ok()) return foreign("a RocksDB that has no topics");
  return {};
}

// RocksDB does not say where in a journal a byte is wrong.
Error Database::open_failure(const rocksdb::Status& status) const {
  Error error = open_error(folder_, status);
  if (error.code != ErrorCode::kDataCorrupt) return error;
  for (const JournalKinds kinds : {JournalKinds::kManifest, JournalKinds::kAll}) {
    const Status found = check_checksums(folder_, kinds);
    if (found || found.error().code != ErrorCode::kDataCorrupt) continue;
    return kinds == JournalKinds::kManifest || options_.accept_loss
               ? damaged(folder_, found.error().message)
               : damaged_end(folder_, found.error().message);
  }
  return error;
}

Status Database::open_rocksdb(Access access) {
  const auto cache = rocksdb::NewLRUCache(kBlockCacheBytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> families = {
      {rocksdb::kDefaultColumnFamilyName, family_options(cache)},
      {kLogFamily, log_options(cache)},
      {kStateFamily, family_options(cache)},
      {kIdFamily, id_options(id_expiry_)},
  };
  const rocksdb::DBOptions options = db_options(access);
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  rocksdb::Status status;
  if (access == Access::kRead) {
    std::vector<std::string> names;
    status = rocksdb::DB::ListColumnFamilies(options, folder_.string(), &names);
    if (status.ok() && names.size() == families.size() - 1) families.pop_back();
    if (status.ok())
      status = rocksdb::DB::OpenForReadOnly(options, folder_.string(), families, &handles, &db);
  } else {
    status = rocksdb::DB::Open(options, folder_.string(), families, &handles, &db);
  }
  db_.reset(db);
  if (!status.ok()) return fail(open_failure(status));
  meta_ = handles[0];
  log_ = handles[1];
  state_ = handles[2];
  if (handles.size() > 3) ids_ = handles[3];
  return {};
}

Status Database::check_format() {
  GF_ASSIGN(const std::optional<std::string> stored, get(meta_, kFormatKey));
  if (stored) {
    const auto format = decode_number(*stored);
    if (!format) return fail(damaged(folder_, format.error().message));
    if (*format == kStoreFormat) return {};
    return fail(ErrorCode::kDataCorrupt,
                fmt::format("the data in {} has format {}, this program knows format {}. Use the "
                            "version of gameflow that wrote it",
                            folder_.string(), *format, kStoreFormat));
  }
  for (rocksdb::ColumnFamilyHandle* family : {meta_, log_, state_, ids_}) {
    const std::unique_ptr<rocksdb::Iterator> first(
        db_->NewIterator(rocksdb::ReadOptions(), family));
    first->SeekToFirst();
    if (first->Valid() || !first->status().ok()) {
      return fail(damaged(folder_, "it does not say which format it has"));
    }
  }
  rocksdb::WriteOptions write;
  write.sync = true;
  const rocksdb::Status status =
      db_->Put(write, meta_, slice(kFormatKey), encode_number(kStoreFormat));
  if (!status.ok()) return fail(open_error(folder_, status));
  return {};
}

Status Database::start_high_water(Timestamp now) {
  const Status status = high_water_->start(*db_, folder_, now);
  if (!status) return fail(in_folder(folder_, status.error()));
  return {};
}

Database::~Database() {
  unlock();
  if (!db_) return;
  for (rocksdb::ColumnFamilyHandle* family : {meta_, log_, state_, ids_}) {
    if (family != nullptr) db_->DestroyColumnFamilyHandle(family);
  }
}

Result<std::optional<std::string>> Database::get(rocksdb::ColumnFamilyHandle* family,
                                                 std::string_view key) {
  std::string value;
  const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), family, slice(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return fail(read_error(folder_, status));
  return value;
}

Result<std::vector<std::optional<std::string>>> Database::get_ids(
    std::span<const std::string> keys) {
  const std::size_t count = keys.size();
  std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
  std::vector<rocksdb::PinnableSlice> values(count);
  std::vector<rocksdb::Status> statuses(count);
  db_->MultiGet(rocksdb::ReadOptions(), ids_, count, slices.data(), values.data(), statuses.data());
  std::vector<std::optional<std::string>> found(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (statuses[i].IsNotFound()) continue;
    if (!statuses[i].ok()) return fail(read_error(folder_, statuses[i]));
    found[i] = values[i].ToString();
  }
  return found;
}

Status Database::drop_files(std::string_view begin, std::string_view end) {
  const rocksdb::Slice first = slice(begin), last = slice(end);
  const rocksdb::RangePtr range(&first, &last);
  const rocksdb::Status status =
      rocksdb::DeleteFilesInRanges(db_.get(), log_, &range, 1, /*include_end=*/false);
  if (!status.ok()) return fail(read_error(folder_, status));
  return {};
}

// A flush of all families lets go of the write-ahead logs; a compaction that includes the lowest
// level drops what was overwritten.
Status Database::purge(std::span<const std::pair<std::string, std::string>> ranges) {
  std::vector<rocksdb::ColumnFamilyHandle*> families = {meta_, log_, state_, ids_};
  rocksdb::Status status = db_->Flush(rocksdb::FlushOptions(), families);
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  for (const auto& [begin, end] : ranges) {
    const rocksdb::Slice first = slice(begin), last = slice(end);
    if (status.ok()) status = db_->CompactRange(options, log_, &first, &last);
  }
  for (auto* const family : {meta_, state_}) {
    if (status.ok()) status = db_->CompactRange(options, family, nullptr, nullptr);
  }
  if (!status.ok()) return fail(read_error(folder_, status));
  return {};
}

}  // namespace gameflow::log
