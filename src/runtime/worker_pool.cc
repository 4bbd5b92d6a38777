#include "runtime/worker_pool.h"

#include <utility>

namespace gameflow::runtime {

WorkerPool::WorkerPool(std::uint32_t threads) {
  for (std::uint32_t worker = 1; worker < threads; ++worker) {
    threads_.emplace_back([this, worker] {
      while (Job* const job = next_job()) {
        work(*job, worker);
        job->done.count_down();
      }
    });
  }
}

WorkerPool::~WorkerPool() {
  {
    const MutexLock lock(mutex_);
    is_stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

WorkerPool::Job* WorkerPool::next_job() {
  MutexLock lock(mutex_);
  wake_.wait(lock.native(),
             [this]() GF_REQUIRES(mutex_) { return helpers_wanted_ > 0 || is_stopping_; });
  if (is_stopping_) return nullptr;
  --helpers_wanted_;
  return job_;
}

void WorkerPool::work(Job& job, std::uint32_t worker) {
  for (std::size_t index; (index = job.next.fetch_add(1)) < job.count;) {
    try {
      run_or_run_out(job.allowance, [&] { (*job.body)(worker, index); });
    } catch (...) {
      const MutexLock lock(job.mutex);
      if (job.failure == nullptr) job.failure = std::current_exception();
    }
  }
}

void WorkerPool::for_each(std::size_t count, bool is_small, const Body& body) {
  if (is_small || threads_.empty() || count <= 1) {
    for (std::size_t index = 0; index < count; ++index)
      run_or_run_out(nullptr, [&] { body(0, index); });
    return;
  }
  const auto helpers = static_cast<std::ptrdiff_t>(threads_.size());
  Job job{.body = &body,
          .allowance = CanRunOut::allowance(),
          .count = count,
          .done = std::latch(helpers),
          .mutex = {},
          .failure = nullptr};
  {
    const MutexLock lock(mutex_);
    job_ = &job;
    helpers_wanted_ = helpers;
  }
  wake_.notify_all();
  work(job, 0);
  {
    // Nobody waits for a thread that has not woken up yet: there is nothing left for it to do.
    const MutexLock lock(mutex_);
    job.done.count_down(std::exchange(helpers_wanted_, 0));
  }
  job.done.wait();
  const MutexLock lock(job.mutex);
  if (job.failure != nullptr) std::rethrow_exception(job.failure);
}

}  // namespace gameflow::runtime
