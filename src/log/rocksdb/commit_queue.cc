#include "log/rocksdb/commit_queue.h"

#include <utility>

namespace gameflow::log {

bool CommitQueue::push(Item&& item) {
  const auto* submission = std::get_if<Submission>(&item);
  const std::size_t bytes = submission == nullptr ? 0 : submission->commit.memory_bytes;
  const MutexLock lock(mutex_);
  if (closed_) return false;
  entries_.push_back({std::move(item), bytes, std::chrono::steady_clock::now()});
  bytes_ += bytes;
  filled_.notify_one();
  return true;
}

std::vector<CommitQueue::Item> CommitQueue::take(std::size_t bytes_max, Instant deadline) {
  std::vector<Item> taken;
  MutexLock lock(mutex_);
  filled_.wait_until(lock.native(), deadline,
                     [this]() GF_REQUIRES(mutex_) { return closed_ || !entries_.empty(); });
  while (!entries_.empty()) {
    Entry& next = entries_.front();
    const bool is_task = std::holds_alternative<Task>(next.item);
    if (!taken.empty() && (is_task || in_work_bytes_ + next.bytes > bytes_max)) break;
    if (taken.empty()) in_work_since_ = next.pushed_at;
    in_work_bytes_ += next.bytes;
    taken.push_back(std::move(next.item));
    entries_.pop_front();
    if (is_task) break;
  }
  return taken;
}

void CommitQueue::release() {
  const MutexLock lock(mutex_);
  bytes_ -= std::exchange(in_work_bytes_, 0);
  in_work_since_.reset();
}

CommitQueue::Waiting CommitQueue::waiting() const {
  const MutexLock lock(mutex_);
  Waiting waiting{bytes_, in_work_since_};
  if (!waiting.since && !entries_.empty()) waiting.since = entries_.front().pushed_at;
  return waiting;
}

void CommitQueue::close() {
  const MutexLock lock(mutex_);
  closed_ = true;
  filled_.notify_all();
}

bool CommitQueue::drained() const {
  const MutexLock lock(mutex_);
  return closed_ && entries_.empty();
}

}  // namespace gameflow::log
