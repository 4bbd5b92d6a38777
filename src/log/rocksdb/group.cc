#include "log/rocksdb/group.h"

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "log/rocksdb/keys.h"
#include "record/batch.h"

namespace gameflow::log {
namespace {

Result<std::vector<std::optional<IdRecord>>> find_ids(Database& database,
                                                      std::span<const IdKey> keys) {
  std::vector<std::string> names;
  names.reserve(keys.size());
  for (const IdKey& key : keys) names.push_back(id_key(key));
  GF_ASSIGN(const auto values, database.get_ids(names));
  std::vector<std::optional<IdRecord>> records(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!values[i]) continue;
    GF_ASSIGN(records[i], decode_id(*values[i]));
  }
  return records;
}

}  // namespace

Result<ProducerState> stored_producer(Database& database, const std::string& key,
                                      Timestamp ages_now) {
  GF_ASSIGN(const std::optional<std::string> stored, database.get(database.meta(), key));
  if (!stored) return ProducerState{};
  GF_ASSIGN(ProducerRecord record, decode_producer(*stored));
  return record.is_forgotten(ages_now) ? ProducerState{} : std::move(record.state);
}

Group::Group(Database& database, const Catalog& catalog, Timestamp now, Timestamp ages_now,
             std::size_t bytes)
    : database_(database),
      catalog_(catalog),
      now_(now),
      ages_now_(ages_now),
      batch_(bytes),
      ids_(catalog, now, ages_now,
           [this](std::span<const IdKey> keys) { return find_ids(database_, keys); }) {}

// Everything that can fail comes first.
Result<CommitAck> Group::add(PreparedCommit& commit) {
  GF_TRY(check_names(catalog_, commit));
  ProducerState producer;
  if (commit.producer) {
    GF_ASSIGN(producer, stamped(*commit.producer));
  }
  CommitAck ack;
  const std::size_t appends = commit.parts.size();
  const bool has_ids = commit.has_ids();
  if (has_ids) {
    GF_TRY(ids_.look_up(commit));
    ack.repeated = ids_.sort_out(commit);
  }
  if (const auto& stamp = commit.producer)
    stamps_[producer_key(stamp->topic, stamp->producer)] = std::move(producer);
  ack.base_offsets.reserve(appends);
  for (PreparedCommit::Part& part : commit.parts) {
    PartitionInfo& info = partition(part);
    if (ack.base_offsets.size() < appends) ack.base_offsets.push_back(info.end);
    if (part.batch != nullptr) append(part, info);
  }
  if (has_ids) ids_.claim(commit);
  for (const KeyRange& range : commit.erase) {
    // RocksDB takes a reversed range for an error of the whole write batch.
    if (range.begin >= range.end) continue;
    batch_.DeleteRange(database_.state(), range.begin, range.end);
  }
  for (const KeyValue& entry : commit.put) batch_.Put(database_.state(), entry.key, entry.value);
  return ack;
}

Result<ProducerState> Group::stamped(const ProducerStamp& stamp) const {
  const std::string key = producer_key(stamp.topic, stamp.producer);
  ProducerState before;
  if (const auto found = stamps_.find(key); found != stamps_.end()) {
    before = found->second;
  } else {
    GF_ASSIGN(before, stored_producer(database_, key, ages_now_));
  }
  return follow(stamp, std::move(before));
}

PartitionInfo& Group::partition(const PreparedCommit::Part& part) {
  const PartitionKey key{part.topic, part.partition};
  const auto found = partitions_.find(key);
  if (found != partitions_.end()) return found->second;
  return partitions_.emplace(key, *catalog_.partition(part.topic, part.partition)).first->second;
}

void Group::append(PreparedCommit::Part& part, PartitionInfo& info) {
  const Offset base = info.end;
  record::BatchBuilder::place(*part.batch, base);
  info.end = part.batch->end_offset();
  info.bytes += part.encoded.size();
  keep_in_order(part, info);
  batch_.Put(database_.log(), log_key(part.topic, part.partition, base), part.encoded);
}

rocksdb::WriteBatch& Group::finish() {
  for (const auto& [key, info] : partitions_) {
    batch_.Put(database_.meta(), partition_key(key.first, key.second), encode_partition(info));
  }
  for (const auto& [key, state] : stamps_) {
    batch_.Put(database_.meta(), key, encode_producer({state, now_}));
  }
  for (const auto& [key, record] : ids_.claimed())
    batch_.Put(database_.ids(), id_key(key), encode_id(record));
  return batch_;
}

}  // namespace gameflow::log
