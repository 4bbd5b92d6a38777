// Takes ids that are forgotten out of RocksDB, as its compactions come by them. Nobody sees when:
// whoever looks up an id judges for himself whether it still counts.
//
// Threads  any.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <rocksdb/compaction_filter.h>

#include "base/mutex.h"
#include "base/time.h"
#include "log/topics.h"

namespace gameflow::log {

class IdExpiry final : public rocksdb::CompactionFilterFactory {
 public:
  // How far retention and the clock of ages are. Ids of topics from `next_topic` on are kept, those
  // of other topics that are not named go.
  struct Horizon {
    Timestamp ages_now;
    TopicId next_topic;
    std::map<TopicId, std::vector<Offset>> begins;  // of partitions
  };
  // Until the first call, all ids are kept.
  void set(Horizon horizon);

  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context& context) override;
  const char* Name() const override { return "gameflow.id-expiry"; }

 private:
  Mutex mutex_;
  std::shared_ptr<const Horizon> horizon_ GF_GUARDED_BY(mutex_);
};

}  // namespace gameflow::log
