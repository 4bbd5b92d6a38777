// The thread that runs epochs as input arrives and time passes.
//
// Threads  all methods: any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <thread>

#include "base/error.h"
#include "base/mutex.h"

namespace gameflow::runtime {

class EngineLoop {
 public:
  enum class Next : std::uint8_t {
    kAtOnce,         // there may be more to do
    kAfterInterval,  // there may be, but not much: an interval after this turn began
    kSoon,           // time passes: windows are open
    kLater,          // nothing is to be expected but input
  };
  // One turn. An error is told, and tried again after a while.
  using Turn = std::function<Result<Next>()>;

  EngineLoop() = default;
  ~EngineLoop() { stop(); }
  EngineLoop(const EngineLoop&) = delete;
  EngineLoop& operator=(const EngineLoop&) = delete;

  // Idempotent, both. stop() finishes the running turn.
  void start(Turn turn, std::chrono::milliseconds interval);
  void stop();
  // There is news: the next turn comes at once, or after the interval.
  void wake();
  // Why turns fail at the moment, or success.
  Status health() const;

 private:
  void run(const Turn& turn, std::chrono::milliseconds interval);
  void wait_until(std::chrono::steady_clock::time_point time, bool regardless);
  void set_health(Status status);

  std::thread thread_;
  Mutex mutex_;
  std::condition_variable changed_;
  bool is_stopping_ GF_GUARDED_BY(mutex_) = false;
  bool has_news_ GF_GUARDED_BY(mutex_) = false;

  mutable Mutex health_mutex_;
  Status health_ GF_GUARDED_BY(health_mutex_);
};

}  // namespace gameflow::runtime
