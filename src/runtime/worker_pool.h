// A fixed set of threads that run the steps of an epoch: fork, join, nothing in between.
//
// Threads  for_each belongs to one thread, which works along; its body runs on all of them at once.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <latch>
#include <thread>
#include <vector>

#include "base/memory_reserve.h"
#include "base/mutex.h"

namespace gameflow::runtime {

class WorkerPool {
 public:
  // `threads` >= 1, the calling one included.
  explicit WorkerPool(std::uint32_t threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  std::uint32_t size() const { return static_cast<std::uint32_t>(threads_.size()) + 1; }

  // Calls body(worker, index) once for every index in [0, count), worker in [0, size()), and
  // returns when all calls have. The first exception of a body is thrown here, after the others
  // have finished; std::bad_alloc also where a body made something else of it (memory_reserve.h).
  using Body = std::function<void(std::uint32_t worker, std::size_t index)>;
  // `is_small`: by the calling thread alone, up to the first exception. Waking another costs more
  // than it could take over.
  void for_each(std::size_t count, bool is_small, const Body& body);

 private:
  struct Job {
    const Body* body;
    MemoryAllowance* allowance;  // of the calling thread
    std::size_t count;
    std::atomic<std::size_t> next{0};
    std::latch done;
    Mutex mutex;
    std::exception_ptr failure GF_GUARDED_BY(mutex);
  };
  // Null: the pool ends.
  Job* next_job();
  static void work(Job& job, std::uint32_t worker);

  std::vector<std::thread> threads_;
  // Not a std::counting_semaphore: that of libstdc++ sleeps forever where its count falls and comes
  // back to the same number while a thread is about to sleep.
  Mutex mutex_;
  std::condition_variable wake_;
  Job* job_ GF_GUARDED_BY(mutex_) = nullptr;
  std::ptrdiff_t helpers_wanted_ GF_GUARDED_BY(mutex_) = 0;  // threads that may still join in
  bool is_stopping_ GF_GUARDED_BY(mutex_) = false;
};

}  // namespace gameflow::runtime
