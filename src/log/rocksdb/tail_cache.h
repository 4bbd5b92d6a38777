// The newest batches of all partitions in memory, for readers that follow the end of a topic.
//
// Units    bytes are of memory.
// Threads  any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "log/log.h"

namespace gameflow::log {

class TailCache {
 public:
  explicit TailCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // Adds the newest batch of a partition; the oldest ones of all partitions make room.
  void add(TopicId topic, std::uint32_t partition, BatchPtr batch);
  void remove(TopicId topic);
  // The batches of Log::read, from the one that holds `from`. None if that one is not here; none
  // that begin at `end` or later: they are here before the partition's end is said to be behind
  // them, and who read them would then ask for what does not exist yet.
  std::vector<BatchPtr> read(TopicId topic, std::uint32_t partition, Offset from, Offset end,
                             std::size_t bytes_max) const;

 private:
  using Key = std::pair<TopicId, std::uint32_t>;
  void drop_oldest() GF_REQUIRES(mutex_);

  const std::size_t bytes_max_;
  mutable Mutex mutex_;
  std::map<Key, std::deque<BatchPtr>> partitions_ GF_GUARDED_BY(mutex_);  // each without holes
  std::deque<Key> ages_ GF_GUARDED_BY(mutex_);  // of every batch, oldest first
  std::size_t bytes_ GF_GUARDED_BY(mutex_) = 0;
};

}  // namespace gameflow::log
