#include "runtime/worker_pool.h"

namespace gameflow::runtime {

WorkerPool::WorkerPool(std::uint32_t threads) {
  for (std::uint32_t worker = 1; worker < threads; ++worker) {
    threads_.emplace_back([this, worker] {
      for (;;) {
        wake_.acquire();
        if (stopping_.load()) return;
        Job& job = *job_.load();
        work(job, worker);
        job.done.count_down();
      }
    });
  }
}

WorkerPool::~WorkerPool() {
  stopping_.store(true);
  wake_.release(static_cast<std::ptrdiff_t>(threads_.size()));
  for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::work(Job& job, std::uint32_t worker) {
  for (std::size_t index; (index = job.next.fetch_add(1)) < job.count;) {
    try {
      (*job.body)(worker, index);
    } catch (...) {
      const std::lock_guard lock(job.mutex);
      if (job.failure == nullptr) job.failure = std::current_exception();
    }
  }
}

void WorkerPool::for_each(std::size_t count, const Body& body) {
  if (threads_.empty() || count <= 1) {
    for (std::size_t index = 0; index < count; ++index) body(0, index);
    return;
  }
  const auto helpers = static_cast<std::ptrdiff_t>(threads_.size());
  Job job{
      .body = &body, .count = count, .done = std::latch(helpers), .mutex = {}, .failure = nullptr};
  job_.store(&job);
  wake_.release(helpers);
  work(job, 0);
  job.done.wait();
  if (job.failure != nullptr) std::rethrow_exception(job.failure);
}

}  // namespace gameflow::runtime
