#include "log/rocksdb/rocksdb_store.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <future>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/mutex.h"
#include "base/sleep.h"
#include "log/catalog.h"
#include "log/listeners.h"
#include "log/rocksdb/backup.h"
#include "log/rocksdb/committer.h"
#include "log/rocksdb/database.h"
#include "log/rocksdb/disk_space.h"
#include "log/rocksdb/group.h"
#include "log/rocksdb/keys.h"
#include "log/rocksdb/load.h"
#include "log/rocksdb/log_reader.h"

namespace gameflow::log {
namespace {

constexpr std::chrono::minutes kRetentionInterval{1};
constexpr std::chrono::seconds kLookInterval{1};
constexpr std::size_t kErasureBytes = 8U << 20;  // of memory, that one piece looks at

class RocksdbStore final : public DurableStore {
 public:
  RocksdbStore(const RocksdbOptions& options, std::unique_ptr<Database> database, Loaded loaded)
      : clock_(*options.clock),
        ages_(clock_, age_clock_options(clock_, loaded.newest)),
        database_(std::move(database)),
        disk_(options.folder, options.disk_free_bytes_min),
        contents_{.mutex = {},
                  .catalog = std::move(loaded.catalog),
                  .tail = TailCache(options.tail_cache_bytes)},
        next_topic_id_(loaded.next_topic_id),
        committer_(*database_, disk_, contents_, listeners_, options.durability, clock_, ages_),
        maintenance_([this](const std::stop_token& stop) { maintain(stop); }) {}

  ~RocksdbStore() override { close(); }

  Result<TopicInfo> create_topic(const TopicConfig& config) override;
  Status set_retention(std::string_view topic, const Retention& retention) override;
  Status delete_topic(std::string_view name) override;
  Result<TopicInfo> topic(std::string_view name) const override;
  Result<TopicInfo> topic(TopicId id) const override;
  std::vector<TopicInfo> topics() const override;

  void submit(ProduceRequest request, Callback done) override;
  Result<ProducerState> producer(TopicId topic, std::string_view producer) const override;
  Result<std::vector<NamedProducer>> positions() const override;
  Status forget_producer(TopicId topic, std::string_view producer) override;
  Result<CommitAck> commit(Commit commit) override;
  Result<PartitionInfo> partition(TopicId topic, std::uint32_t partition) const override;
  Result<ReadResult> read(TopicId topic, std::uint32_t partition, Offset from,
                          std::size_t bytes_max) const override;
  Result<Offset> find_appended(TopicId topic, std::uint32_t partition,
                               Timestamp time) const override;
  Result<std::optional<std::string>> get(std::string_view key) const override;
  Status scan(const KeyRange& range, const Visit& visit) const override;

  ListenerId listen(Listener changed) override { return listeners_.add(std::move(changed)); }
  void unlisten(ListenerId id) override { listeners_.remove(id); }

  Status health() const override { return committer_.health(); }
  Stats stats() const override { return committer_.stats(); }
  Status apply_retention() override;
  void close() override;

  Result<Erased> erase(TopicId topic, std::uint32_t partition, Offset from, Offset end,
                       const Editor& editor, const Note& note) override;
  Result<Erased> count(TopicId topic, std::uint32_t partition, Offset from, Offset end,
                       const Editor& editor) const override;
  Status purge(std::span<const TopicId> topics) override;

  Result<Backup> back_up(const std::filesystem::path& folder) override {
    return log::back_up(*database_, folder);
  }

 private:
  // An error of log_reader.h, for somebody who knows topics by name.
  Error damaged_log(std::string_view topic, const Error& error) const {
    if (error.code != ErrorCode::kDataCorrupt)
      return {error.code, fmt::format("topic '{}', {}", topic, error.message)};
    return damaged(database_->folder(), fmt::format("topic '{}', {}", topic, error.message));
  }
  Result<ErasurePlan> plan(TopicId topic, std::uint32_t number, Offset from, Offset end,
                           const Editor& editor) const;
  Error told(TopicId topic, std::uint32_t number, Offset from, const Error& error) const;
  Status trim(const LogRange& range, const TopicConfig& config);
  Status forget_producers();
  void tell_id_expiry();
  void maintain(const std::stop_token& stop);

  const Clock& clock_;
  const CalmClock ages_;
  const std::unique_ptr<Database> database_;
  DiskSpace disk_;
  Contents contents_;
  Listeners listeners_;
  std::uint32_t next_topic_id_;  // of the commit thread
  Committer committer_;

  std::jthread maintenance_;  // last: it uses all of the above
};

Result<TopicInfo> RocksdbStore::create_topic(const TopicConfig& config) {
  TopicInfo info{.id = {}, .config = config, .created_at = clock_.now(), .partitions = {}};
  const Status created = committer_.change(
      [&](const Catalog& catalog, rocksdb::WriteBatch& batch) -> Status {
        GF_TRY(catalog.check_new(config));
        GF_TRY(disk_.check());
        info.id = {next_topic_id_};
        info.partitions.resize(config.partitions);
        batch.Put(database_->meta(), slice(kNextTopicIdKey), encode_number(next_topic_id_ + 1));
        batch.Put(database_->meta(), topic_key(info.id), encode_topic(info));
        for (std::uint32_t i = 0; i < config.partitions; ++i) {
          batch.Put(database_->meta(), partition_key(info.id, i), encode_partition({}));
        }
        return {};
      },
      [&](Catalog& catalog) {
        ++next_topic_id_;
        catalog.add(info);
      });
  if (!created) return fail(created.error());
  return info;
}

Status RocksdbStore::set_retention(std::string_view topic, const Retention& retention) {
  TopicId id;
  return committer_.change(
      [&](const Catalog& catalog, rocksdb::WriteBatch& batch) -> Status {
        GF_ASSIGN(TopicInfo info, catalog.topic(topic));
        GF_TRY(check_retention(topic, retention));
        id = info.id;
        info.config.retention_age = retention.age;
        info.config.retention_bytes = retention.bytes;
        batch.Put(database_->meta(), topic_key(id), encode_topic(info));
        return {};
      },
      [&](Catalog& catalog) { catalog.set_retention(id, retention); });
}

Status RocksdbStore::delete_topic(std::string_view name) {
  TopicId id, after;
  GF_TRY(committer_.change(
      [&](const Catalog& catalog, rocksdb::WriteBatch& batch) -> Status {
        GF_ASSIGN(const TopicInfo info, catalog.topic(name));
        id = info.id;
        after = {id.value + 1};
        batch.Delete(database_->meta(), topic_key(id));
        batch.DeleteRange(database_->meta(), partition_prefix(id), partition_prefix(after));
        batch.DeleteRange(database_->meta(), producer_prefix(id), producer_prefix(after));
        batch.DeleteRange(database_->log(), log_prefix(id), log_prefix(after));
        batch.DeleteRange(database_->ids(), id_prefix(id), id_prefix(after));
        return {};
      },
      [&](Catalog& catalog) {
        catalog.remove(id);
        contents_.tail.remove(id);
      }));
  listeners_.notify(id);
  return database_->drop_files(log_prefix(id), log_prefix(after));
}

Result<TopicInfo> RocksdbStore::topic(std::string_view name) const {
  const MutexLock lock(contents_.mutex);
  return contents_.catalog.topic(name);
}

Result<TopicInfo> RocksdbStore::topic(TopicId id) const {
  const MutexLock lock(contents_.mutex);
  return contents_.catalog.topic(id);
}

std::vector<TopicInfo> RocksdbStore::topics() const {
  const MutexLock lock(contents_.mutex);
  return contents_.catalog.topics();
}

Result<PartitionInfo> RocksdbStore::partition(TopicId topic, std::uint32_t partition) const {
  const MutexLock lock(contents_.mutex);
  return contents_.catalog.partition(topic, partition);
}

void RocksdbStore::submit(ProduceRequest request, Callback done) {
  auto prepared = prepare(std::move(request), clock_.now());
  if (!prepared) return done(fail(std::move(prepared).error()));
  committer_.submit(*std::move(prepared), std::move(done));
}

Result<CommitAck> RocksdbStore::commit(Commit commit) {
  GF_ASSIGN(PreparedCommit prepared, prepare(std::move(commit), clock_.now()));
  std::promise<Result<CommitAck>> promise;
  auto result = promise.get_future();
  committer_.submit(std::move(prepared),
                    [&promise](Result<CommitAck> ack) { promise.set_value(std::move(ack)); });
  return result.get();
}

Result<ProducerState> RocksdbStore::producer(TopicId id, std::string_view producer) const {
  {
    const MutexLock lock(contents_.mutex);
    GF_TRY(check_scope(contents_.catalog, id));
  }
  return stored_producer(*database_, producer_key(id, producer), ages_.now());
}

Result<std::vector<NamedProducer>> RocksdbStore::positions() const {
  const std::string begin = producer_prefix(kAllTopics);
  const std::string last = producer_prefix({kAllTopics.value + 1});
  const rocksdb::Slice end = last;
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &end;
  std::vector<NamedProducer> producers;
  const std::unique_ptr<rocksdb::Iterator> at(
      database_->db().NewIterator(options, database_->meta()));
  for (at->Seek(begin); at->Valid(); at->Next()) {
    GF_ASSIGN(ProducerRecord record, decode_producer(view(at->value())));
    if (!record.state.position) continue;
    producers.push_back({std::string(producer_of(view(at->key()))), std::move(record.state)});
  }
  if (!at->status().ok()) return fail(read_error(database_->folder(), at->status()));
  return producers;
}

Status RocksdbStore::forget_producer(TopicId id, std::string_view producer) {
  return committer_.change(
      [&](const Catalog& catalog, rocksdb::WriteBatch& batch) -> Status {
        GF_TRY(check_scope(catalog, id));
        batch.Delete(database_->meta(), producer_key(id, producer));
        return {};
      },
      [](Catalog&) {});
}

// Why a partition cannot be read: the topic may have been deleted or trimmed since, then that is
// the reason.
Error RocksdbStore::told(TopicId topic, std::uint32_t number, Offset from,
                         const Error& error) const {
  const auto now = partition(topic, number);
  if (!now) return now.error();
  if (const Status there = check_offset(*now, topic, number, from); !there) return there.error();
  const auto described = this->topic(topic);
  return described ? damaged_log(described->config.name, error) : described.error();
}

Result<ReadResult> RocksdbStore::read(TopicId topic, std::uint32_t number, Offset from,
                                      std::size_t bytes_max) const {
  GF_ASSIGN(const PartitionInfo info, partition(topic, number));
  GF_TRY(check_offset(info, topic, number, from));
  if (from == info.end) return ReadResult{.batches = {}, .next = from, .at_end = true};
  auto batches = contents_.tail.read(topic, number, from, info.end, bytes_max);
  if (!batches.empty()) {
    const Offset next = batches.back()->end_offset();
    return ReadResult{std::move(batches), next, next >= info.end};
  }
  auto stored = read_log(*database_, {topic, number, info}, from, bytes_max);
  if (stored) {
    stored->at_end = stored->next >= info.end;
    return stored;
  }
  return fail(told(topic, number, from, stored.error()));
}

Result<Offset> RocksdbStore::find_appended(TopicId topic, std::uint32_t number,
                                           Timestamp time) const {
  for (;;) {
    GF_ASSIGN(const PartitionInfo info, partition(topic, number));
    if (info.begin == info.end || !info.appended_at || *info.appended_at < time) return info.end;
    auto found = log::find_appended(*database_, {topic, number, info}, time);
    if (found) return found;
    GF_ASSIGN(const PartitionInfo now, partition(topic, number));
    if (now.begin != info.begin) continue;  // trimmed since
    GF_ASSIGN(const TopicInfo described, this->topic(topic));
    return fail(damaged_log(described.config.name, found.error()));
  }
}

Result<std::optional<std::string>> RocksdbStore::get(std::string_view key) const {
  return database_->get(database_->state(), key);
}

Status RocksdbStore::scan(const KeyRange& range, const Visit& visit) const {
  if (range.begin >= range.end) return {};
  const rocksdb::Slice end = range.end;
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &end;
  options.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> at(
      database_->db().NewIterator(options, database_->state()));
  for (at->Seek(range.begin); at->Valid(); at->Next()) {
    GF_TRY(visit(view(at->key()), view(at->value())));
  }
  if (!at->status().ok()) return fail(read_error(database_->folder(), at->status()));
  return {};
}

// The search for what may go runs here, beside the commits; only the cut itself is one of them.
// A partition that cannot be read does not keep the others from giving space back.
Status RocksdbStore::apply_retention() {
  Status first_failure;
  const auto note = [&](Status status) {
    if (first_failure && !status) first_failure = std::move(status);
  };
  for (const TopicInfo& info : topics()) {
    if (!info.config.retention_age && !info.config.retention_bytes) continue;
    for (std::uint32_t i = 0; i < info.partitions.size(); ++i) {
      note(trim({info.id, i, info.partitions[i]}, info.config));
    }
  }
  note(forget_producers());
  tell_id_expiry();
  return first_failure;
}

Status RocksdbStore::trim(const LogRange& range, const TopicConfig& config) {
  const auto overtaken = [&](const Catalog& catalog) {
    const auto now = catalog.partition(range.topic, range.partition);
    return !now || now->begin != range.info.begin;
  };
  const auto plan = plan_retention(*database_, range, config, ages_.now());
  if (!plan) {
    const MutexLock lock(contents_.mutex);
    if (overtaken(contents_.catalog)) return {};
    return fail(damaged_log(config.name, plan.error()));
  }
  if (plan->begin == range.info.begin) return {};
  const std::string first = log_key(range.topic, range.partition, range.info.begin);
  const std::string last = log_key(range.topic, range.partition, plan->begin);
  PartitionInfo left;
  GF_TRY(committer_.change(
      [&](const Catalog& catalog, rocksdb::WriteBatch& batch) -> Status {
        if (overtaken(catalog)) return {};
        left = *catalog.partition(range.topic, range.partition);
        left.begin = plan->begin;
        left.bytes -= range.info.bytes - plan->bytes;
        batch.Put(database_->meta(), partition_key(range.topic, range.partition),
                  encode_partition(left));
        batch.DeleteRange(database_->log(), first, last);
        return {};
      },
      [&](Catalog& catalog) { catalog.set_partition(range.topic, range.partition, left); }));
  // Also what earlier cuts could not give back, as a compaction was reading it.
  return database_->drop_files(log_key(range.topic, range.partition, {0}), last);
}

// What is stored never changes but here, and only goes from the front: so the plan is made beside
// the commits, and of it counts what is still there.
Result<ErasurePlan> RocksdbStore::plan(TopicId topic, std::uint32_t number, Offset from, Offset end,
                                       const Editor& editor) const {
  for (;;) {
    const auto info = partition(topic, number);
    if (!info) return ErasurePlan{.changed = {}, .erased = {.next = end}};
    const Offset begin = std::max(from, info->begin);
    const Offset last = std::min(end, info->end);
    if (begin >= last) return ErasurePlan{.changed = {}, .erased = {.next = end}};
    auto planned =
        plan_erasure(*database_, {topic, number, *info}, begin, last, editor, kErasureBytes);
    if (planned) return planned;
    const auto now = partition(topic, number);
    if (now && now->begin == info->begin) return fail(told(topic, number, begin, planned.error()));
  }
}

Result<Erased> RocksdbStore::count(TopicId topic, std::uint32_t number, Offset from, Offset end,
                                   const Editor& editor) const {
  GF_ASSIGN(const ErasurePlan planned, plan(topic, number, from, end, editor));
  return planned.erased;
}

Result<Erased> RocksdbStore::erase(TopicId topic, std::uint32_t number, Offset from, Offset end,
                                   const Editor& editor, const Note& note) {
  GF_ASSIGN(const ErasurePlan planned, plan(topic, number, from, end, editor));
  if (planned.changed.empty()) return planned.erased;
  PartitionInfo left;
  GF_TRY(committer_.change(
      [&](const Catalog& catalog, rocksdb::WriteBatch& batch) -> Status {
        if (Status room = disk_.check(); !room) return room;
        for (const KeyValue& entry : note(planned.erased))
          batch.Put(database_->state(), entry.key, entry.value);
        const auto now = catalog.partition(topic, number);
        if (!now) return {};
        left = *now;
        for (const ErasurePlan::Changed& changed : planned.changed) {
          if (changed.base < left.begin) continue;  // retention was quicker
          batch.Put(database_->log(), log_key(topic, number, changed.base), changed.value);
          left.bytes = left.bytes - changed.bytes_before + changed.value.size();
        }
        batch.Put(database_->meta(), partition_key(topic, number), encode_partition(left));
        return {};
      },
      [&](Catalog& catalog) {
        if (!catalog.partition(topic, number)) return;
        catalog.set_partition(topic, number, left);
        contents_.tail.remove(topic);
      }));
  listeners_.notify(topic);
  return planned.erased;
}

Status RocksdbStore::purge(std::span<const TopicId> topics) {
  std::vector<std::pair<std::string, std::string>> ranges;
  for (const TopicId topic : topics)
    ranges.emplace_back(log_prefix(topic), log_prefix({topic.value + 1}));
  return database_->purge(ranges);
}

Status RocksdbStore::forget_producers() {
  const auto forgotten = [now = ages_.now()](std::string_view value) {
    const auto record = decode_producer(value);
    return record && record->is_forgotten(now);
  };
  std::vector<std::string> keys;
  const rocksdb::Slice end = slice(kProducerKeysEnd);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &end;
  const std::unique_ptr<rocksdb::Iterator> at(
      database_->db().NewIterator(options, database_->meta()));
  for (at->Seek(slice(kProducerKeysBegin)); at->Valid(); at->Next()) {
    if (forgotten(view(at->value()))) keys.push_back(at->key().ToString());
  }
  if (!at->status().ok()) return fail(read_error(database_->folder(), at->status()));
  if (keys.empty()) return {};
  return committer_.change(
      [&](const Catalog&, rocksdb::WriteBatch& batch) -> Status {
        for (const std::string& key : keys) {
          // It may have come back since.
          GF_ASSIGN(const auto value, database_->get(database_->meta(), key));
          if (value && forgotten(*value)) batch.Delete(database_->meta(), key);
        }
        return {};
      },
      [](Catalog&) {});
}

void RocksdbStore::tell_id_expiry() {
  IdExpiry::Horizon horizon{.ages_now = ages_.now(), .next_topic = {}, .begins = {}};
  // A topic that is made from here on has a higher id than each of these.
  for (const TopicInfo& info : topics()) {
    std::vector<Offset>& begins = horizon.begins[info.id];
    for (const PartitionInfo& partition : info.partitions) begins.push_back(partition.begin);
    horizon.next_topic = std::max(horizon.next_topic, TopicId{info.id.value + 1});
  }
  database_->id_expiry().set(std::move(horizon));
}

void RocksdbStore::maintain(const std::stop_token& stop) {
  auto retention_at = std::chrono::steady_clock::now() + kRetentionInterval;
  while (sleep_unless_stopped(kLookInterval, stop)) {
    disk_.look();
    database_->high_water().sync();
    if (std::chrono::steady_clock::now() < retention_at) continue;
    retention_at = std::chrono::steady_clock::now() + kRetentionInterval;
    const Status status = apply_retention();
    if (!status && status.error().code != ErrorCode::kClosed) {
      spdlog::warn("retention: {}", status.error().message);
    }
  }
}

void RocksdbStore::close() {
  maintenance_.request_stop();
  committer_.close();
}

}  // namespace

Result<std::unique_ptr<DurableStore>> open_rocksdb_store(const RocksdbOptions& options) {
  assert(options.clock != nullptr);
  DatabaseOptions of_database{.open_files_max = options.open_files_max,
                              .accept_loss = options.accept_loss};
  if (options.env != nullptr) of_database.env = options.env;
  GF_ASSIGN(std::unique_ptr<Database> database, Database::open(options.folder, of_database));
  GF_ASSIGN(Loaded loaded, load(*database));
  GF_TRY(database->start_high_water(options.clock->now()));
  return std::make_unique<RocksdbStore>(options, std::move(database), std::move(loaded));
}

}  // namespace gameflow::log
