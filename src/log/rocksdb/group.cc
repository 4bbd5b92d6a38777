#include "log/rocksdb/group.h"

#include <optional>
#include <utility>

#include "log/rocksdb/keys.h"
#include "record/batch.h"

namespace gameflow::log {

Result<ProducerState> stored_producer(Database& database, const std::string& key,
                                      Timestamp ages_now) {
  GF_ASSIGN(const std::optional<std::string> stored, database.get(database.meta(), key));
  if (!stored) return ProducerState{};
  GF_ASSIGN(ProducerRecord record, decode_producer(*stored));
  return record.is_forgotten(ages_now) ? ProducerState{} : std::move(record.state);
}

// Everything that can fail comes first.
Result<CommitAck> Group::add(PreparedCommit& commit) {
  GF_TRY(check_names(catalog_, commit));
  if (commit.producer) GF_TRY(stamp(*commit.producer));
  CommitAck ack;
  ack.base_offsets.reserve(commit.parts.size());
  for (PreparedCommit::Part& part : commit.parts) ack.base_offsets.push_back(append(part));
  for (const KeyRange& range : commit.erase) {
    // RocksDB takes a reversed range for an error of the whole write batch.
    if (range.begin >= range.end) continue;
    batch_.DeleteRange(database_.state(), range.begin, range.end);
  }
  for (const KeyValue& entry : commit.put) batch_.Put(database_.state(), entry.key, entry.value);
  return ack;
}

Status Group::stamp(const ProducerStamp& stamp) {
  const std::string key = producer_key(stamp.topic, stamp.producer);
  ProducerState before;
  if (const auto found = stamps_.find(key); found != stamps_.end()) {
    before = found->second;
  } else {
    GF_ASSIGN(before, stored_producer(database_, key, ages_now_));
  }
  GF_ASSIGN(ProducerState after, follow(stamp, std::move(before)));
  stamps_[key] = std::move(after);
  return {};
}

Offset Group::append(PreparedCommit::Part& part) {
  const PartitionKey key{part.topic, part.partition};
  auto found = partitions_.find(key);
  if (found == partitions_.end()) {
    found = partitions_.emplace(key, *catalog_.partition(part.topic, part.partition)).first;
  }
  PartitionInfo& info = found->second;
  const Offset base = info.end;
  record::BatchBuilder::place(*part.batch, base);
  info.end = part.batch->end_offset();
  info.bytes += part.encoded.size();
  keep_in_order(part, info);
  batch_.Put(database_.log(), log_key(part.topic, part.partition, base), part.encoded);
  return base;
}

rocksdb::WriteBatch& Group::finish() {
  for (const auto& [key, info] : partitions_) {
    batch_.Put(database_.meta(), partition_key(key.first, key.second), encode_partition(info));
  }
  for (const auto& [key, state] : stamps_) {
    batch_.Put(database_.meta(), key, encode_producer({state, now_}));
  }
  return batch_;
}

}  // namespace gameflow::log
