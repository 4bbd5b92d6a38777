// A fixed set of threads that run the steps of an epoch: fork, join, nothing in between.
//
// Threads  for_each belongs to one thread, which works along; its body runs on all of them at once.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <latch>
#include <mutex>
#include <semaphore>
#include <thread>
#include <vector>

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
  // have finished.
  using Body = std::function<void(std::uint32_t worker, std::size_t index)>;
  void for_each(std::size_t count, const Body& body);

 private:
  struct Job {
    const Body* body;
    std::size_t count;
    std::atomic<std::size_t> next{0};
    std::latch done;
    std::mutex mutex;
    std::exception_ptr failure;  // guarded by mutex
  };
  static void work(Job& job, std::uint32_t worker);

  std::vector<std::thread> threads_;
  std::counting_semaphore<> wake_{0};
  std::atomic<Job*> job_{nullptr};
  std::atomic<bool> stopping_{false};
};

}  // namespace gameflow::runtime
