#include "log/rocksdb/committer.h"

#include <algorithm>
#include <future>
#include <new>
#include <optional>
#include <set>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/memory_reserve.h"

namespace gameflow::log {
namespace {

using Steady = std::chrono::steady_clock;

// A group is also a copy in RocksDB's write batch and one insertion into its memtable.
constexpr std::size_t kGroupBytesMax = 16U << 20;
constexpr std::chrono::seconds kSyncInterval{1};
constexpr std::chrono::minutes kIdle{1};

tl::unexpected<Error> closed() {
  return fail(ErrorCode::kClosed, "the store is closed; nothing was written");
}

CommitQueue::Submission& submission(CommitQueue::Item& item) {
  return std::get<CommitQueue::Submission>(item);
}

// What the commit takes in a write batch, which would be copied each time it grows.
std::size_t written_bytes(const PreparedCommit& commit) {
  constexpr std::size_t kEntryBytes = 64;  // keys and lengths
  std::size_t bytes = kEntryBytes;         // of the producer
  if (commit.producer && commit.producer->position) bytes += commit.producer->position->size();
  for (const PreparedCommit::Part& part : commit.parts)
    bytes +=
        part.encoded.size() + (2 + 2 * part.ids.size()) * kEntryBytes;  // also of its partition
  for (const KeyValue& entry : commit.put)
    bytes += entry.key.size() + entry.value.size() + kEntryBytes;
  return bytes;
}

}  // namespace

Committer::Committer(Database& database, DiskSpace& disk, Contents& contents, Listeners& listeners,
                     Durability durability, const Clock& clock, const Clock& ages)
    : database_(database),
      disk_(disk),
      contents_(contents),
      listeners_(listeners),
      durability_(durability),
      clock_(clock),
      ages_(ages),
      synced_at_(Steady::now()),
      thread_([this] { run(); }) {}

void Committer::submit(PreparedCommit commit, Producing::Callback done) {
  CommitQueue::Item item = CommitQueue::Submission{std::move(commit), std::move(done)};
  if (!queue_.push(std::move(item))) submission(item).done(closed());
}

Status Committer::change(const Fill& fill, const Apply& apply) {
  std::promise<Status> promise;
  auto result = promise.get_future();
  const bool queued = queue_.push(CommitQueue::Task([&] {
    promise.set_value([&]() -> Status {
      GF_TRY(can_write());
      rocksdb::WriteBatch batch;
      GF_TRY(fill(contents_.catalog_unlocked(), batch));
      if (batch.Count() == 0) return {};
      GF_TRY(write(batch, /*sync=*/true));
      const MutexLock lock(contents_.mutex);
      apply(contents_.catalog);
      return {};
    }());
  }));
  if (!queued) return closed();
  return result.get();
}

void Committer::run() {
  while (!queue_.drained()) {
    std::vector<CommitQueue::Item> items = queue_.take(kGroupBytesMax, next_sync());
    if (items.empty()) {
      if (durability_ != Durability::kNone) sync_log();
    } else if (auto* task = std::get_if<CommitQueue::Task>(&items.front())) {
      (*task)();
      queue_.release();
    } else {
      commit_group(items);
    }
  }
  sync_log();
}

void Committer::commit_group(std::span<CommitQueue::Item> items) {
  const Instant started = Steady::now();
  std::vector<Result<CommitAck>> outcomes = write_group(items);
  const std::chrono::duration<double> took = Steady::now() - started;
  {
    const MutexLock lock(mutex_);
    stats_.add_group(took.count());
  }
  queue_.release();
  for (std::size_t i = 0; i < items.size(); ++i) submission(items[i]).done(std::move(outcomes[i]));
}

std::vector<Result<CommitAck>> Committer::write_group(std::span<CommitQueue::Item> items) {
  std::vector<Result<CommitAck>> outcomes(items.size());
  const auto refuse_all = [&](const Error& error) {
    for (Result<CommitAck>& outcome : outcomes) {
      if (outcome) outcome = fail(error);
    }
    return std::move(outcomes);
  };
  if (const Status status = can_write(); !status) return refuse_all(status.error());
  if (const Status status = disk_.check(); !status) return refuse_all(status.error());

  std::optional<Group> group;
  rocksdb::WriteBatch* batch = nullptr;
  try {
    const CanRunOut scope;
    std::size_t bytes = 0;
    for (CommitQueue::Item& item : items) bytes += written_bytes(submission(item).commit);
    group.emplace(database_, contents_.catalog_unlocked(), clock_.now(), ages_.now(), bytes);
    for (std::size_t i = 0; i < items.size(); ++i) {
      outcomes[i] = group->add(submission(items[i]).commit);
    }
    batch = &group->finish();
  } catch (const std::bad_alloc&) {
    return refuse_all(
        {ErrorCode::kMemoryFull, "there is not enough memory to write; nothing was written"});
  }
  if (batch->Count() > 0) {
    const bool is_waited_for = durability_ == Durability::kFsync &&
                               std::ranges::any_of(items, [](CommitQueue::Item& item) {
                                 return submission(item).commit.waits_for_fsync;
                               });
    const bool sync =
        is_waited_for || (durability_ != Durability::kNone && Steady::now() >= next_sync());
    if (const Status status = write(*batch, sync); !status) return refuse_all(status.error());
  }
  publish(items, outcomes, *group);
  return outcomes;
}

void Committer::publish(std::span<CommitQueue::Item> items,
                        const std::vector<Result<CommitAck>>& outcomes, const Group& group) {
  StoreHealth::Stats added;
  std::set<TopicId> changed;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!outcomes[i]) continue;
    const PreparedCommit& commit = submission(items[i]).commit;
    ++added.commits;
    added.bytes_raw += commit.bytes_raw;
    for (const PreparedCommit::Part& part : commit.parts) {
      if (part.batch == nullptr) continue;  // all of it was left out
      added.records += part.batch->size();
      added.bytes_stored += part.encoded.size();
      changed.insert(part.topic);
      // Before the new end is shown: who sees that finds the records here.
      contents_.tail.add(part.topic, part.partition, part.batch);
    }
  }
  {
    const MutexLock lock(contents_.mutex);
    for (const auto& [key, info] : group.partitions()) {
      contents_.catalog.set_partition(key.first, key.second, info);
    }
  }
  {
    const MutexLock lock(mutex_);
    stats_.commits += added.commits;
    stats_.records += added.records;
    stats_.bytes_raw += added.bytes_raw;
    stats_.bytes_stored += added.bytes_stored;
  }
  for (const TopicId topic : changed) listeners_.notify(topic);
}

Status Committer::write(rocksdb::WriteBatch& batch, bool sync) {
  rocksdb::WriteOptions options;
  options.sync = sync;
  const rocksdb::Status status = database_.db().Write(options, &batch);
  if (!status.ok()) return fail_for_good(status);
  unsynced_ = !sync;
  if (sync) {
    GF_TRY(note_synced());
    synced_at_ = Steady::now();
    const MutexLock lock(mutex_);
    ++stats_.fsyncs;
  }
  return {};
}

// When the log has to be fsynced at the latest.
Committer::Instant Committer::next_sync() const {
  return unsynced_ && durability_ != Durability::kNone ? synced_at_ + kSyncInterval
                                                       : Steady::now() + kIdle;
}

void Committer::sync_log() {
  synced_at_ = Steady::now();
  if (!unsynced_ || !can_write()) return;
  const rocksdb::Status status = database_.db().SyncWAL();
  if (!status.ok()) {
    (void)fail_for_good(status);
    return;
  }
  unsynced_ = false;
  if (!note_synced()) return;
  const MutexLock lock(mutex_);
  ++stats_.fsyncs;
}

Status Committer::note_synced() {
  const Status status = database_.high_water().note_synced(database_.db(), clock_.now());
  if (status) return {};
  return fail_for_good(rocksdb::Status::IOError(status.error().message));
}

Status Committer::can_write() const {
  const MutexLock lock(mutex_);
  return failure_;
}

// After a failed fsync the kernel may call lost pages clean: another try could succeed and mean
// nothing. Only what recovery finds on disk is certain. RocksDB also refuses to write once a
// compaction of its own has met damage, and will again after a restart.
Status Committer::fail_for_good(const rocksdb::Status& status) {
  const std::string folder = database_.folder().string();
  Error error{ErrorCode::kOutcomeUnknown,
              status.IsCorruption()
                  ? fmt::format("a file in {} is damaged: {}. Nothing more is written; what can be "
                                "read still is. Restore the folder from a backup",
                                folder, status.ToString())
                  : fmt::format("writing to {} failed: {}. What was being written may or may not "
                                "be there; nothing more is written until gameflow is restarted",
                                folder, status.ToString())};
  spdlog::error("{}", error.message);
  const MutexLock lock(mutex_);
  failure_ = fail(error);
  return failure_;
}

Status Committer::health() const {
  {
    const MutexLock lock(mutex_);
    if (closed_) return closed();
    GF_TRY(failure_);
  }
  return disk_.seen().status;
}

StoreHealth::Stats Committer::stats() const {
  StoreHealth::Stats stats = [this] {
    const MutexLock lock(mutex_);
    return stats_;
  }();
  const DiskSpace::Seen disk = disk_.seen();
  stats.disk_free_bytes = disk.free_bytes;
  stats.disk_used_bytes = disk.used_bytes;
  const CommitQueue::Waiting waiting = queue_.waiting();
  stats.queue_bytes = waiting.bytes;
  if (waiting.since) {
    stats.queue_seconds = std::chrono::duration<double>(Steady::now() - *waiting.since).count();
  }
  return stats;
}

void Committer::close() {
  {
    const MutexLock lock(mutex_);
    closed_ = true;
  }
  queue_.close();
  const MutexLock lock(closing_);
  if (thread_.joinable()) thread_.join();
}

}  // namespace gameflow::log
