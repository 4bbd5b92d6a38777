#include "log/rocksdb/tail_cache.h"

#include <algorithm>

#include "record/batch.h"

namespace gameflow::log {

void TailCache::add(TopicId topic, std::uint32_t partition, BatchPtr batch) {
  const MutexLock lock(mutex_);
  bytes_ += batch->memory_bytes();
  partitions_[{topic, partition}].push_back(std::move(batch));
  ages_.emplace_back(topic, partition);
  while (bytes_ > bytes_max_) drop_oldest();
}

void TailCache::remove(TopicId topic) {
  const MutexLock lock(mutex_);
  std::erase_if(partitions_, [&](const auto& entry) GF_REQUIRES(mutex_) {
    if (entry.first.first != topic) return false;
    for (const BatchPtr& batch : entry.second) bytes_ -= batch->memory_bytes();
    return true;
  });
  std::erase_if(ages_, [&](const Key& key) { return key.first == topic; });
}

std::vector<BatchPtr> TailCache::read(TopicId topic, std::uint32_t partition, Offset from,
                                      Offset end, std::size_t bytes_max) const {
  std::vector<BatchPtr> batches;
  const MutexLock lock(mutex_);
  const auto found = partitions_.find({topic, partition});
  if (found == partitions_.end()) return batches;
  const std::deque<BatchPtr>& cached = found->second;
  auto next = std::ranges::upper_bound(cached, from, {}, &record::Batch::base_offset);
  if (next == cached.begin()) return batches;
  std::size_t bytes = 0;
  for (--next; next != cached.end() && (*next)->base_offset() < end; ++next) {
    bytes += (*next)->memory_bytes();
    if (bytes > bytes_max && !batches.empty()) break;
    batches.push_back(*next);
  }
  return batches;
}

// As partitions drop their oldest batch in the order in which batches came, the front of `ages_`
// always names the partition whose first batch is the oldest of all.
void TailCache::drop_oldest() {
  const auto found = partitions_.find(ages_.front());
  ages_.pop_front();
  bytes_ -= found->second.front()->memory_bytes();
  found->second.pop_front();
  if (found->second.empty()) partitions_.erase(found);
}

}  // namespace gameflow::log
