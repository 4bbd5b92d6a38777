// One group of commits on its way into one RocksDB write batch.
//
// Threads  the commit thread. It is the only one that changes the catalog, so it reads it without
// the lock that others need.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include <rocksdb/write_batch.h>

#include "base/error.h"
#include "base/time.h"
#include "log/catalog.h"
#include "log/id_book.h"
#include "log/rocksdb/database.h"

namespace gameflow::log {

class Group {
 public:
  using PartitionKey = std::pair<TopicId, std::uint32_t>;

  // Producers are used `now`, and forgotten by the time `ages_now` of the clock of ages. `bytes` is
  // about what will be added.
  Group(Database& database, const Catalog& catalog, Timestamp now, Timestamp ages_now,
        std::size_t bytes);

  // Leaves out records whose ids are taken, so that parts may be without a batch then, and gives
  // the others their offsets, which are right once the group is written. Where it fails
  // (kTopicNotFound, kInvalidArgument, kSequenceGap, kDataCorrupt), nothing of the commit is in
  // the group.
  Result<CommitAck> add(PreparedCommit& commit);
  // Everything added, with what the partitions will hold then.
  rocksdb::WriteBatch& finish();
  bool empty() const { return batch_.Count() == 0; }
  const std::map<PartitionKey, PartitionInfo>& partitions() const { return partitions_; }

 private:
  Result<ProducerState> stamped(const ProducerStamp& stamp) const;
  PartitionInfo& partition(const PreparedCommit::Part& part);
  void append(PreparedCommit::Part& part, PartitionInfo& info);

  Database& database_;
  const Catalog& catalog_;
  const Timestamp now_, ages_now_;
  rocksdb::WriteBatch batch_;
  std::map<PartitionKey, PartitionInfo> partitions_;  // those that change
  std::map<std::string, ProducerState> stamps_;       // by producer_key, likewise
  IdBook ids_;
};

// What is stored under a producer_key and not forgotten at a time of the clock of ages.
Result<ProducerState> stored_producer(Database& database, const std::string& key,
                                      Timestamp ages_now);

}  // namespace gameflow::log
