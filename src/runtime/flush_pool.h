// Flushes that run beside the epochs: a window of a million keys takes seconds, and nobody waits.
//
// Windows of one service are flushed one after the other, in the order in which they were given,
// and their results are taken in that order; those of different services run side by side. One that
// runs out of memory is tried again after a while.
//
// Threads  start(), take() and wait() belong to the thread that runs epochs. The pool's own threads
//          have a lower priority: records go first.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "runtime/flush.h"

namespace gameflow::runtime {

class FlushPool {
 public:
  // `done` is called on a thread of the pool whenever a result is there.
  FlushPool(std::size_t services, std::uint32_t threads, std::function<void()> done);
  // Waits for the flushes that run; those that wait are forgotten, as the store remembers them.
  ~FlushPool() = default;
  FlushPool(const FlushPool&) = delete;
  FlushPool& operator=(const FlushPool&) = delete;

  // `flusher` is used by one thread of the pool at a time, until the last window given is done.
  void start(std::size_t service, Flusher& flusher, WindowRows window);
  // Results of the service that are there, in order. They are gone from the pool.
  std::vector<FlushedPtr> take(std::size_t service);
  // Whether the service has windows that are given and not taken.
  bool is_busy(std::size_t service) const;
  bool is_busy() const;
  // Whether the service has so many windows waiting that it should get no input for a while: their
  // rows are kept until they are flushed.
  bool is_behind(std::size_t service) const;
  // Until all that was given is done.
  void wait();

 private:
  struct Queue {
    Flusher* flusher = nullptr;
    std::deque<WindowRows> waiting;
    bool is_running = false;
    std::vector<FlushedPtr> done;

    bool is_settled() const { return waiting.empty() && !is_running; }
    bool is_busy() const { return !is_settled() || !done.empty(); }
    bool has_next() const { return !waiting.empty() && !is_running; }
  };
  struct Job {
    std::size_t service;
    Flusher* flusher;
    WindowRows window;
  };
  void work(const std::stop_token& stop);
  // Waits for a window of a service that nobody works on. Nothing after a stop.
  std::optional<Job> next(const std::stop_token& stop);

  const std::function<void()> done_;
  mutable Mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<Queue> queues_ GF_GUARDED_BY(mutex_);  // one a service
  std::vector<std::jthread> threads_;
};

}  // namespace gameflow::runtime
