#include "runtime/flush_pool.h"

#include <algorithm>
#include <utility>

#include "base/priority.h"

namespace gameflow::runtime {

FlushPool::FlushPool(std::size_t services, std::uint32_t threads, std::function<void()> done)
    : done_(std::move(done)), queues_(services) {
  for (std::uint32_t i = 0; i < threads; ++i)
    threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
}

void FlushPool::start(std::size_t service, Flusher& flusher, ClosedWindow window) {
  {
    const std::lock_guard lock(mutex_);
    queues_[service].flusher = &flusher;
    queues_[service].waiting.push_back(std::move(window));
  }
  changed_.notify_all();
}

std::vector<FlushedPtr> FlushPool::take(std::size_t service) {
  const std::lock_guard lock(mutex_);
  return std::exchange(queues_[service].done, {});
}

bool FlushPool::is_busy(std::size_t service) const {
  const std::lock_guard lock(mutex_);
  const Queue& queue = queues_[service];
  return !queue.waiting.empty() || queue.is_running || !queue.done.empty();
}

bool FlushPool::is_busy() const {
  for (std::size_t service = 0; service < queues_.size(); ++service) {
    if (is_busy(service)) return true;
  }
  return false;
}

void FlushPool::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] {
    return std::ranges::all_of(
        queues_, [](const Queue& queue) { return queue.waiting.empty() && !queue.is_running; });
  });
}

void FlushPool::work(const std::stop_token& stop) {
  lower_thread_priority();
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (run_next(lock)) continue;
    changed_.wait(lock, stop, [this] {
      return std::ranges::any_of(
          queues_, [](const Queue& queue) { return !queue.waiting.empty() && !queue.is_running; });
    });
  }
}

// Runs the window that waits longest in some queue that nobody works on. False: there is none.
bool FlushPool::run_next(std::unique_lock<std::mutex>& lock) {
  const auto queue = std::ranges::find_if(
      queues_, [](const Queue& q) { return !q.waiting.empty() && !q.is_running; });
  if (queue == queues_.end()) return false;
  ClosedWindow window = std::move(queue->waiting.front());
  queue->waiting.pop_front();
  queue->is_running = true;
  lock.unlock();
  FlushedPtr flushed = queue->flusher->run(std::move(window));
  lock.lock();
  queue->is_running = false;
  queue->done.push_back(std::move(flushed));
  lock.unlock();
  changed_.notify_all();
  done_();
  lock.lock();
  return true;
}

}  // namespace gameflow::runtime
