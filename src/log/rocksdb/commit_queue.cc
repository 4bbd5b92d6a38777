#include "log/rocksdb/commit_queue.h"

#include <utility>

namespace gameflow::log {

std::size_t CommitQueue::bytes_of(const Item& item) {
  const auto* submission = std::get_if<Submission>(&item);
  return submission == nullptr ? 0 : submission->commit.memory_bytes;
}

bool CommitQueue::push(Item&& item) {
  const std::size_t bytes = bytes_of(item);
  std::unique_lock lock(mutex_);
  if (consumer_ != std::this_thread::get_id()) {
    const std::uint64_t ticket = tickets_++;
    emptied_.wait(lock, [&] {
      return closed_ || (ticket == served_ && (bytes_ == 0 || bytes_ + bytes <= bytes_max_));
    });
    if (++served_ != tickets_) emptied_.notify_all();
  }
  if (closed_) return false;
  bytes_ += bytes;
  items_.push_back(std::move(item));
  filled_.notify_one();
  return true;
}

std::vector<CommitQueue::Item> CommitQueue::take(std::size_t bytes_max, Deadline deadline) {
  std::vector<Item> taken;
  std::unique_lock lock(mutex_);
  consumer_ = std::this_thread::get_id();
  filled_.wait_until(lock, deadline, [&] { return closed_ || !items_.empty(); });
  std::size_t bytes = 0;
  while (!items_.empty()) {
    const bool is_task = std::holds_alternative<Task>(items_.front());
    bytes += bytes_of(items_.front());
    if (!taken.empty() && (is_task || bytes > bytes_max)) break;
    taken.push_back(std::move(items_.front()));
    items_.pop_front();
    if (is_task) break;
  }
  return taken;
}

void CommitQueue::release(const std::vector<Item>& items) {
  const std::lock_guard lock(mutex_);
  for (const Item& item : items) bytes_ -= bytes_of(item);
  emptied_.notify_all();
}

void CommitQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  filled_.notify_all();
  emptied_.notify_all();
}

bool CommitQueue::drained() const {
  const std::lock_guard lock(mutex_);
  return closed_ && items_.empty();
}

}  // namespace gameflow::log
