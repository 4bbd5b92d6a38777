#include "log/memory/memory_store.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "log/catalog.h"
#include "log/id_book.h"
#include "log/listeners.h"
#include "record/batch.h"

namespace gameflow::log {
namespace {

using PartitionKey = std::pair<TopicId, std::uint32_t>;
using ProducerKey = std::pair<TopicId, std::string>;

struct StoredBatch {
  BatchPtr batch;
  std::uint64_t bytes;  // as the durable store would count them
};

struct Producer {
  ProducerState state;
  Timestamp used_at;
};

// Where the records of a store with gaps lie.
class Gaps {
 public:
  explicit Gaps(std::uint32_t seed) : random_(seed) {}

  // Offsets for `count` records, at or after `end`, which is moved past them.
  std::vector<Offset> place(std::size_t count, Offset& end) {
    if (one_in(10)) end.value += 1 + random_() % 1'500;  // aborted transactions
    const bool has_holes = one_in(3);                    // compaction
    std::vector<Offset> offsets(count);
    for (Offset& offset : offsets) {
      if (has_holes && one_in(4)) end.value += 1 + random_() % 5;
      offset = end;
      ++end.value;
    }
    return offsets;
  }

 private:
  bool one_in(std::uint32_t n) { return random_() % n == 0; }

  std::mt19937 random_;
};

class MemoryStoreImpl final : public MemoryStore {
 public:
  MemoryStoreImpl(const Clock& clock, const MemoryOptions& options)
      : clock_(clock), ages_(clock, age_clock_options(clock, {})) {
    if (options.gaps) gaps_.emplace(*options.gaps);
  }

  Result<TopicInfo> create_topic(const TopicConfig& config) override {
    const MutexLock lock(mutex_);
    if (closed_) return closed();
    GF_TRY(catalog_.check_new(config));
    TopicInfo info{.id = {next_topic_id_++},
                   .config = config,
                   .created_at = clock_.now(),
                   .partitions = std::vector<PartitionInfo>(config.partitions)};
    catalog_.add(info);
    return info;
  }

  Status set_retention(std::string_view topic, const Retention& retention) override {
    const MutexLock lock(mutex_);
    if (closed_) return closed();
    GF_ASSIGN(const TopicInfo info, catalog_.topic(topic));
    GF_TRY(check_retention(topic, retention));
    catalog_.set_retention(info.id, retention);
    return {};
  }

  Status delete_topic(std::string_view name) override {
    TopicId id;
    {
      const MutexLock lock(mutex_);
      if (closed_) return closed();
      GF_ASSIGN(const TopicInfo info, catalog_.topic(name));
      id = info.id;
      std::erase_if(batches_, [&](const auto& entry) { return entry.first.first == id; });
      std::erase_if(producers_, [&](const auto& entry) { return entry.first.first == id; });
      erase_if(ids_, [&](const auto& entry) { return entry.first.topic == id; });
      catalog_.remove(id);
    }
    listeners_.notify(id);
    return {};
  }

  Result<TopicInfo> topic(std::string_view name) const override {
    const MutexLock lock(mutex_);
    return catalog_.topic(name);
  }
  Result<TopicInfo> topic(TopicId id) const override {
    const MutexLock lock(mutex_);
    return catalog_.topic(id);
  }
  std::vector<TopicInfo> topics() const override {
    const MutexLock lock(mutex_);
    return catalog_.topics();
  }

  void submit(ProduceRequest request, Callback done) override {
    done(write(prepare(std::move(request), clock_.now())));
  }
  Result<CommitAck> commit(Commit commit) override {
    return write(prepare(std::move(commit), clock_.now()));
  }

  Result<PartitionInfo> partition(TopicId topic, std::uint32_t partition) const override {
    const MutexLock lock(mutex_);
    return catalog_.partition(topic, partition);
  }

  Result<ProducerState> producer(TopicId topic, std::string_view producer) const override {
    const MutexLock lock(mutex_);
    GF_TRY(check_scope(catalog_, topic));
    return known({topic, std::string(producer)});
  }

  Result<std::vector<NamedProducer>> positions() const override {
    const MutexLock lock(mutex_);
    std::vector<NamedProducer> found;
    for (const auto& [key, producer] : producers_) {
      if (key.first == kAllTopics && producer.state.position)
        found.push_back({key.second, producer.state});
    }
    return found;
  }

  Status forget_producer(TopicId topic, std::string_view producer) override {
    const MutexLock lock(mutex_);
    if (closed_) return closed();
    GF_TRY(check_scope(catalog_, topic));
    producers_.erase({topic, std::string(producer)});
    return {};
  }

  Result<ReadResult> read(TopicId topic, std::uint32_t partition, Offset from,
                          std::size_t bytes_max) const override {
    const MutexLock lock(mutex_);
    GF_ASSIGN(const PartitionInfo info, catalog_.partition(topic, partition));
    GF_TRY(check_offset(info, topic, partition, from));
    ReadResult result{.batches = {}, .next = info.end, .at_end = true};
    const auto found = batches_.find({topic, partition});
    if (found == batches_.end()) return result;
    const std::deque<StoredBatch>& stored = found->second;
    auto next = std::ranges::partition_point(stored, [from](const StoredBatch& entry) {
      return entry.batch->offset(entry.batch->size() - 1) < from;
    });
    std::size_t bytes = 0;
    for (; next != stored.end(); ++next) {
      bytes += next->batch->memory_bytes();
      if (bytes > bytes_max && !result.batches.empty()) {
        result.next = next->batch->base_offset();
        result.at_end = false;
        break;
      }
      result.batches.push_back(next->batch);
    }
    return result;
  }

  Result<Offset> find_appended(TopicId topic, std::uint32_t partition,
                               Timestamp time) const override {
    const MutexLock lock(mutex_);
    GF_ASSIGN(const PartitionInfo info, catalog_.partition(topic, partition));
    const auto found = batches_.find({topic, partition});
    if (found == batches_.end()) return info.end;
    const auto first = std::ranges::partition_point(
        found->second,
        [time](const StoredBatch& entry) { return entry.batch->appended_at() < time; });
    return first == found->second.end() ? info.end : first->batch->base_offset();
  }

  Result<std::optional<std::string>> get(std::string_view key) const override {
    const MutexLock lock(mutex_);
    const auto found = state_.find(key);
    if (found == state_.end()) return std::nullopt;
    return found->second;
  }

  Status scan(const KeyRange& range, const Visit& visit) const override {
    const MutexLock lock(mutex_);
    for (auto at = state_.lower_bound(range.begin); at != state_.end() && at->first < range.end;
         ++at) {
      GF_TRY(visit(at->first, at->second));
    }
    return {};
  }

  ListenerId listen(Listener changed) override { return listeners_.add(std::move(changed)); }
  void unlisten(ListenerId id) override { listeners_.remove(id); }

  Status health() const override {
    const MutexLock lock(mutex_);
    if (closed_) return closed();
    if (failures_left_ > 0) return injected_failure();
    return {};
  }

  Stats stats() const override {
    const MutexLock lock(mutex_);
    return stats_;
  }

  Status apply_retention() override {
    const MutexLock lock(mutex_);
    if (closed_) return closed();
    for (auto& [key, stored] : batches_) trim(key, stored);
    std::erase_if(producers_, [&](const auto& entry) { return forgotten(entry.second); });
    erase_if(ids_, [&](const auto& entry) GF_REQUIRES(mutex_) {
      const auto& [key, record] = entry;
      const auto partition = catalog_.partition(key.topic, record.place.partition);
      return partition && is_forgotten(record, partition->begin, ages_.now());
    });
    return {};
  }

  void close() override {
    const MutexLock lock(mutex_);
    closed_ = true;
  }

  void fail_next_commits(std::uint32_t count, ErrorCode error) override {
    const MutexLock lock(mutex_);
    failures_left_ = count;
    failure_ = error;
  }

  void lose_power() override {
    const MutexLock lock(mutex_);
    for (; !undo_.empty(); undo_.pop_back()) {
      auto& [key, before] = undo_.back();
      if (before) {
        state_.insert_or_assign(std::move(key), *std::move(before));
      } else {
        state_.erase(key);
      }
    }
  }

 private:
  static tl::unexpected<Error> closed() {
    return fail(ErrorCode::kClosed, "the store is closed; nothing was written");
  }
  tl::unexpected<Error> injected_failure() const GF_REQUIRES(mutex_) {
    return fail(failure_, "failure on demand");
  }

  Result<CommitAck> write(Result<PreparedCommit> prepared) {
    if (!prepared) return fail(std::move(prepared).error());
    const auto started = std::chrono::steady_clock::now();
    Result<CommitAck> ack = [&] {
      const MutexLock lock(mutex_);
      auto applied = apply(*prepared);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
      if (applied) stats_.add_group(took.count());
      return applied;
    }();
    std::set<TopicId> changed;
    for (const auto& part : prepared->parts) {
      if (part.batch != nullptr) changed.insert(part.topic);
    }
    for (const TopicId topic : changed) {
      if (ack) listeners_.notify(topic);
    }
    return ack;
  }

  // All or nothing: everything that can fail comes first.
  Result<CommitAck> apply(PreparedCommit& commit) GF_REQUIRES(mutex_) {
    if (closed_) return closed();
    if (failures_left_ > 0) {
      --failures_left_;
      return injected_failure();
    }
    GF_TRY(check_names(catalog_, commit));
    if (commit.producer) {
      const ProducerStamp& stamp = *commit.producer;
      const ProducerKey key{stamp.topic, stamp.producer};
      GF_ASSIGN(ProducerState state, follow(stamp, known(key)));
      producers_[key] = {std::move(state), clock_.now()};
    }
    CommitAck ack;
    const std::size_t appends = commit.parts.size();
    IdBook ids(catalog_, clock_.now(), ages_.now(),
               [this](std::span<const IdKey> keys) GF_REQUIRES(mutex_) { return find_ids(keys); });
    if (commit.has_ids()) {
      GF_TRY(ids.look_up(commit));
      ack.repeated = ids.sort_out(commit);
    }
    for (PreparedCommit::Part& part : commit.parts) ack.base_offsets.push_back(append(part));
    ack.base_offsets.resize(appends);
    ids.claim(commit);
    for (const auto& [key, record] : ids.claimed()) ids_.insert_or_assign(key, record);
    if (gaps_) add_markers(commit);
    for (const KeyRange& range : commit.erase) {
      if (range.begin >= range.end) continue;
      const auto first = state_.lower_bound(range.begin), last = state_.lower_bound(range.end);
      for (auto at = first; at != last; ++at) undo_.emplace_back(at->first, at->second);
      state_.erase(first, last);
    }
    for (KeyValue& entry : commit.put) put(std::move(entry));
    if (commit.waits_for_fsync) undo_.clear();
    ++stats_.commits;
    stats_.bytes_raw += commit.bytes_raw;
    return ack;
  }

  void put(KeyValue entry) GF_REQUIRES(mutex_) {
    const auto [found, is_new] = state_.try_emplace(std::move(entry.key));
    undo_.emplace_back(found->first,
                       is_new ? std::nullopt : std::optional(std::move(found->second)));
    found->second = std::move(entry.value);
  }

  Result<std::vector<std::optional<IdRecord>>> find_ids(std::span<const IdKey> keys) const
      GF_REQUIRES(mutex_) {
    std::vector<std::optional<IdRecord>> records;
    for (const IdKey& key : keys) {
      const auto found = ids_.find(key);
      records.push_back(found == ids_.end() ? std::nullopt : std::optional(found->second));
    }
    return records;
  }

  Offset append(PreparedCommit::Part& part) GF_REQUIRES(mutex_) {
    PartitionInfo info = *catalog_.partition(part.topic, part.partition);
    if (part.batch == nullptr) return info.end;
    if (gaps_) {
      std::vector<Offset> offsets = gaps_->place(part.batch->size(), info.end);
      record::BatchBuilder::place(*part.batch, std::move(offsets), info.end);
    } else {
      record::BatchBuilder::place(*part.batch, info.end);
      info.end = part.batch->end_offset();
    }
    const Offset base = part.batch->base_offset();
    info.bytes += part.encoded.size();
    keep_in_order(part, info);
    catalog_.set_partition(part.topic, part.partition, info);
    stats_.records += part.batch->size();
    stats_.bytes_stored += part.encoded.size();
    batches_[{part.topic, part.partition}].push_back({part.batch, part.encoded.size()});
    return base;
  }

  // The offset that the end of a transaction takes in each partition it wrote.
  void add_markers(const PreparedCommit& commit) GF_REQUIRES(mutex_) {
    std::set<PartitionKey> written;
    for (const PreparedCommit::Part& part : commit.parts) {
      if (part.batch != nullptr) written.emplace(part.topic, part.partition);
    }
    for (const auto& [topic, partition] : written) {
      PartitionInfo info = *catalog_.partition(topic, partition);
      ++info.end.value;
      catalog_.set_partition(topic, partition, info);
    }
  }

  void trim(const PartitionKey& key, std::deque<StoredBatch>& stored) GF_REQUIRES(mutex_) {
    const TopicConfig config = catalog_.topic(key.first)->config;
    PartitionInfo info = *catalog_.partition(key.first, key.second);
    const Timestamp now = ages_.now();
    while (!stored.empty()) {
      const Batch& oldest = *stored.front().batch;
      const bool too_old =
          config.retention_age && oldest.appended_at() + *config.retention_age < now;
      const bool too_much = config.retention_bytes && info.bytes > *config.retention_bytes;
      if (!too_old && !too_much) break;
      info.begin = oldest.end_offset();
      info.bytes -= stored.front().bytes;
      stored.pop_front();
    }
    catalog_.set_partition(key.first, key.second, info);
  }

  bool forgotten(const Producer& producer) const {
    return !producer.state.position && producer.used_at + kProducerMemory <= ages_.now();
  }

  ProducerState known(const ProducerKey& key) const GF_REQUIRES(mutex_) {
    const auto found = producers_.find(key);
    if (found == producers_.end() || forgotten(found->second)) return {};
    return found->second.state;
  }

  using Batch = record::Batch;

  const Clock& clock_;
  const CalmClock ages_;
  Listeners listeners_;
  mutable Mutex mutex_;
  Catalog catalog_ GF_GUARDED_BY(mutex_);
  std::map<PartitionKey, std::deque<StoredBatch>> batches_ GF_GUARDED_BY(mutex_);
  std::map<ProducerKey, Producer> producers_ GF_GUARDED_BY(mutex_);
  IdBook::Records ids_ GF_GUARDED_BY(mutex_);
  std::map<std::string, std::string, std::less<>> state_ GF_GUARDED_BY(mutex_);
  // What the repeatable commits behind the last other one changed, in order, as it was before.
  std::vector<std::pair<std::string, std::optional<std::string>>> undo_ GF_GUARDED_BY(mutex_);
  std::optional<Gaps> gaps_ GF_GUARDED_BY(mutex_);
  Stats stats_ GF_GUARDED_BY(mutex_);
  std::uint32_t next_topic_id_ GF_GUARDED_BY(mutex_) = 1;
  std::uint32_t failures_left_ GF_GUARDED_BY(mutex_) = 0;
  ErrorCode failure_ GF_GUARDED_BY(mutex_) = ErrorCode::kInternal;
  bool closed_ GF_GUARDED_BY(mutex_) = false;
};

}  // namespace

std::unique_ptr<MemoryStore> make_memory_store(const Clock& clock, const MemoryOptions& options) {
  return std::make_unique<MemoryStoreImpl>(clock, options);
}

}  // namespace gameflow::log
