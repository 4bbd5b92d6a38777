#include "runtime/flush_pool.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>

#include "base/memory_reserve.h"
#include "base/priority.h"
#include "base/sleep.h"

namespace gameflow::runtime {

namespace {

constexpr std::chrono::seconds kRetryAfterRunningOut{1};
constexpr std::size_t kWaitingMax = 256;

// Null: it ran out of memory.
FlushedPtr flush(Flusher& flusher, const WindowRows& window) {
  FlushedPtr flushed;
  try {
    run_or_run_out(nullptr, [&] { flushed = flusher.run(window); });
    return flushed;
  } catch (const std::bad_alloc&) {
    flusher.release_memory();
    return nullptr;
  }
}

}  // namespace

FlushPool::FlushPool(std::size_t services, std::uint32_t threads, std::function<void()> done)
    : done_(std::move(done)), queues_(services) {
  for (std::uint32_t i = 0; i < threads; ++i)
    threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
}

void FlushPool::start(std::size_t service, Flusher& flusher, WindowRows window) {
  {
    const MutexLock lock(mutex_);
    queues_[service].flusher = &flusher;
    queues_[service].waiting.push_back(std::move(window));
  }
  changed_.notify_all();
}

std::vector<FlushedPtr> FlushPool::take(std::size_t service) {
  const MutexLock lock(mutex_);
  return std::exchange(queues_[service].done, {});
}

bool FlushPool::is_busy(std::size_t service) const {
  const MutexLock lock(mutex_);
  return queues_[service].is_busy();
}

bool FlushPool::is_busy() const {
  const MutexLock lock(mutex_);
  return std::ranges::any_of(queues_, &Queue::is_busy);
}

bool FlushPool::is_behind(std::size_t service) const {
  const MutexLock lock(mutex_);
  return queues_[service].waiting.size() > kWaitingMax;
}

void FlushPool::wait() {
  MutexLock lock(mutex_);
  changed_.wait(lock.native(), [this]() GF_REQUIRES(mutex_) {
    return std::ranges::all_of(queues_, &Queue::is_settled);
  });
}

void FlushPool::work(const std::stop_token& stop) {
  lower_thread_priority();
  while (std::optional<Job> job = next(stop)) {
    FlushedPtr flushed = flush(*job->flusher, job->window);
    while (flushed == nullptr && sleep_unless_stopped(kRetryAfterRunningOut, stop))
      flushed = flush(*job->flusher, job->window);
    if (flushed == nullptr) return;
    {
      const MutexLock lock(mutex_);
      queues_[job->service].is_running = false;
      queues_[job->service].done.push_back(std::move(flushed));
    }
    changed_.notify_all();
    done_();
  }
}

std::optional<FlushPool::Job> FlushPool::next(const std::stop_token& stop) {
  MutexLock lock(mutex_);
  const bool is_there = changed_.wait(lock.native(), stop, [this]() GF_REQUIRES(mutex_) {
    return std::ranges::any_of(queues_, &Queue::has_next);
  });
  if (!is_there || stop.stop_requested()) return std::nullopt;
  const auto queue = std::ranges::find_if(queues_, &Queue::has_next);
  Job job{static_cast<std::size_t>(queue - queues_.begin()), queue->flusher,
          std::move(queue->waiting.front())};
  queue->waiting.pop_front();
  queue->is_running = true;
  return job;
}

}  // namespace gameflow::runtime
