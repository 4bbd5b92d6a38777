#include "log/rocksdb/high_water.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/bytes.h"

namespace gameflow::log {
namespace {

namespace fs = std::filesystem;

// Two slots in sectors of their own, which take turns: of a write that a power loss tears the other
// one is left.
constexpr std::uint64_t kSlotStride = 512, kSlots = 2;
constexpr std::string_view kMagic = "GFHW";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kSlotBytes = 4 + 4 + 7 * 8 + 8;

struct Slot {
  std::uint64_t turn = 0;
  HighWater mark;
};

std::string encode(const Slot& slot) {
  std::string bytes;
  ByteWriter out(bytes);
  out.bytes(kMagic);
  out.fixed(kVersion);
  for (const std::uint64_t number :
       {slot.turn, slot.mark.sequence, static_cast<std::uint64_t>(slot.mark.at.ms), slot.mark.log,
        slot.mark.log_bytes, slot.mark.manifest, slot.mark.manifest_bytes}) {
    out.fixed(number);
  }
  out.fixed(std::uint64_t{XXH3_64bits(bytes.data(), bytes.size())});
  return bytes;
}

std::optional<Slot> decode(std::string_view bytes) {
  ByteReader in(bytes);
  Slot slot;
  if (in.bytes(kMagic.size()) != kMagic || in.fixed<std::uint32_t>() != kVersion) return {};
  slot.turn = in.fixed<std::uint64_t>();
  slot.mark.sequence = in.fixed<std::uint64_t>();
  slot.mark.at = {in.fixed<std::int64_t>()};
  for (std::uint64_t* number :
       {&slot.mark.log, &slot.mark.log_bytes, &slot.mark.manifest, &slot.mark.manifest_bytes}) {
    *number = in.fixed<std::uint64_t>();
  }
  const std::size_t checked = bytes.size() - in.rest().size();
  const auto checksum = in.fixed<std::uint64_t>();
  if (!in.ok() || checksum != XXH3_64bits(bytes.data(), checked)) return {};
  return slot;
}

tl::unexpected<Error> failed(std::string_view what, int error) {
  return fail(ErrorCode::kDataUnwritable,
              fmt::format("{} {}: {}", what, kHighWaterName, std::strerror(error)));
}

Status write_slot(int file, const Slot& slot) {
  const std::string bytes = encode(slot);
  const auto at = static_cast<off_t>(slot.turn % kSlots * kSlotStride);
  const ssize_t written = ::pwrite(file, bytes.data(), bytes.size(), at);
  if (written == static_cast<ssize_t>(bytes.size())) return {};
  return failed("writing", written < 0 ? errno : ENOSPC);
}

Result<FileHandle> create(const fs::path& folder, const Slot& slot) {
  const fs::path file = folder / kHighWaterName, made = file.string() + ".new";
  FileHandle opened(::open(made.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!opened) return failed("making", errno);
  // All bytes that it will ever have: none of its later writes can fail for want of space.
  const std::string empty(kSlots * kSlotStride, '\0');
  if (::pwrite(opened.get(), empty.data(), empty.size(), 0) != static_cast<ssize_t>(empty.size()))
    return failed("making", errno);
  GF_TRY(write_slot(opened.get(), slot));
  if (::fsync(opened.get()) != 0 || ::rename(made.c_str(), file.c_str()) != 0)
    return failed("making", errno);
  const FileHandle directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0) return failed("making", errno);
  return opened;
}

// Sets log and sequence of `mark`. By the only writer.
Status ask_for_log(rocksdb::DB& db, HighWater& mark) {
  std::unique_ptr<rocksdb::LogFile> log;
  const rocksdb::Status status = db.GetCurrentWalFile(&log);
  if (!status.ok()) return fail(ErrorCode::kDataUnwritable, status.ToString());
  mark.sequence = db.GetLatestSequenceNumber();
  mark.log = log->LogNumber();
  mark.log_bytes = log->SizeFileBytes();
  return {};
}

// Sets what is on disk of the MANIFEST.
void ask_for_manifest(rocksdb::DB& db, HighWater& mark) {
  std::vector<std::string> files;
  std::uint64_t bytes = 0;
  if (!db.GetLiveFiles(files, &bytes, /*flush_memtable=*/false).ok()) return;
  constexpr std::string_view kPrefix = "/MANIFEST-";
  for (const std::string& file : files) {
    if (!file.starts_with(kPrefix)) continue;
    mark.manifest = std::strtoull(file.c_str() + kPrefix.size(), nullptr, 10);
    mark.manifest_bytes = bytes;
  }
}

}  // namespace

std::string HighWater::log_name() const {
  return fmt::format("{:06}.log", log);
}

std::string HighWater::manifest_name() const {
  return fmt::format("MANIFEST-{:06}", manifest);
}

Result<std::optional<HighWater>> read_high_water(const fs::path& folder) {
  const FileHandle file(::open((folder / kHighWaterName).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && errno == ENOENT) return std::nullopt;
  if (!file) return failed("reading", errno);
  std::optional<Slot> newest;
  for (std::uint64_t i = 0; i < kSlots; ++i) {
    std::string bytes(kSlotBytes, '\0');
    const ssize_t got =
        ::pread(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(i * kSlotStride));
    if (got < 0) return failed("reading", errno);
    const std::optional<Slot> slot = decode(bytes);
    if (slot && (!newest || slot->turn > newest->turn)) newest = slot;
  }
  if (!newest) {
    return fail(ErrorCode::kDataCorrupt,
                fmt::format("the checksums of {} are wrong, so nothing says whether acknowledged "
                            "records are missing",
                            kHighWaterName));
  }
  return newest->mark;
}

Status write_high_water(const fs::path& folder, const HighWater& mark) {
  GF_ASSIGN(const FileHandle file, create(folder, {0, mark}));
  return {};
}

std::optional<std::string> missing_of_manifest(const HighWater& mark, const Journals& journals) {
  const auto found = journals.find(mark.manifest_name());
  // A later one takes its place, whole, at each start.
  if (found == journals.end() || found->second >= mark.manifest_bytes) return {};
  return fmt::format("{} is whole for {} bytes only, and had {}", mark.manifest_name(),
                     found->second, mark.manifest_bytes);
}

LogState state_of_log(const HighWater& mark, const Journals& journals) {
  const auto found = journals.find(mark.log_name());
  if (found == journals.end()) return LogState::kFileGone;
  return found->second >= mark.log_bytes ? LogState::kWhole : LogState::kCut;
}

std::string describe_loss(const HighWater& mark, const Journals& journals,
                          std::optional<std::uint64_t> found) {
  const auto log = journals.find(mark.log_name());
  const std::string state =
      log == journals.end()
          ? fmt::format("is not there (it had {} bytes)", mark.log_bytes)
          : fmt::format("is whole for {} bytes only, and had {}", log->second, mark.log_bytes);
  return fmt::format(
      "acknowledged records are missing: the write-ahead log {} {}. Writes were acknowledged up to "
      "number {}, of {}{}",
      mark.log_name(), state, mark.sequence, format_timestamp(mark.at),
      found ? fmt::format("; the last one that is there is number {}", *found) : "");
}

Status HighWaterKeeper::start(rocksdb::DB& db, const fs::path& folder, Timestamp now) {
  HighWater mark{.at = now};
  GF_TRY(ask_for_log(db, mark));
  ask_for_manifest(db, mark);
  const MutexLock lock(mutex_);
  GF_ASSIGN(file_, create(folder, {turn_, mark}));
  mark_ = mark;
  return {};
}

Status HighWaterKeeper::note_synced(rocksdb::DB& db, Timestamp now) {
  HighWater seen;
  // Where the folder was moved away the mark stays where it is, and is no less true.
  if (!ask_for_log(db, seen)) return {};
  // Of a new log: the MANIFEST says now how long the one before is.
  if (seen.log != mark().log) ask_for_manifest(db, seen);
  const MutexLock lock(mutex_);
  if (!file_) return {};
  mark_.at = now;
  mark_.sequence = seen.sequence;
  mark_.log = seen.log;
  mark_.log_bytes = seen.log_bytes;
  take_manifest(seen);
  return write();
}

void HighWaterKeeper::note_manifest(rocksdb::DB& db) {
  HighWater seen;
  ask_for_manifest(db, seen);
  const MutexLock lock(mutex_);
  if (!file_) return;
  take_manifest(seen);
  (void)write();  // the next commit's fails likewise, and is heard
}

void HighWaterKeeper::OnFlushCompleted(rocksdb::DB* db, const rocksdb::FlushJobInfo& /*info*/) {
  note_manifest(*db);
}

void HighWaterKeeper::OnCompactionCompleted(rocksdb::DB* db,
                                            const rocksdb::CompactionJobInfo& /*info*/) {
  note_manifest(*db);
}

// Another thread may have known more of it meanwhile.
void HighWaterKeeper::take_manifest(const HighWater& seen) {
  if (std::pair(seen.manifest, seen.manifest_bytes) <=
      std::pair(mark_.manifest, mark_.manifest_bytes))
    return;
  mark_.manifest = seen.manifest;
  mark_.manifest_bytes = seen.manifest_bytes;
}

Status HighWaterKeeper::write() {
  return write_slot(file_.get(), {++turn_, mark_});
}

void HighWaterKeeper::sync() {
  const int file = [this] {
    const MutexLock lock(mutex_);
    return file_.get();
  }();
  if (file >= 0) (void)::fdatasync(file);
}

HighWater HighWaterKeeper::mark() const {
  const MutexLock lock(mutex_);
  return mark_;
}

}  // namespace gameflow::log
