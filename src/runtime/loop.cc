#include "runtime/loop.h"

#include <new>
#include <utility>

#include <spdlog/spdlog.h>

namespace gameflow::runtime {
namespace {

constexpr std::chrono::milliseconds kSoon{50};
constexpr std::chrono::milliseconds kLater{500};
constexpr std::chrono::milliseconds kRetryAfterFailure{250};

Result<EngineLoop::Next> run_turn(const EngineLoop::Turn& turn) {
  try {
    return turn();
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kMemoryFull, "there is not enough memory");
  }
}

}  // namespace

void EngineLoop::start(Turn turn, std::chrono::milliseconds interval) {
  if (thread_.joinable()) return;
  {
    const MutexLock lock(mutex_);
    is_stopping_ = false;
  }
  thread_ = std::thread([this, turn = std::move(turn), interval] { run(turn, interval); });
}

void EngineLoop::stop() {
  if (!thread_.joinable()) return;
  {
    const MutexLock lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void EngineLoop::wake() {
  {
    const MutexLock lock(mutex_);
    has_news_ = true;
  }
  changed_.notify_one();
}

void EngineLoop::run(const Turn& turn, std::chrono::milliseconds interval) {
  for (;;) {
    {
      const MutexLock lock(mutex_);
      if (is_stopping_) return;
    }
    const auto begun = std::chrono::steady_clock::now();
    const auto next = run_turn(turn);
    set_health(next ? Status{} : Status(fail(next.error())));
    const auto now = std::chrono::steady_clock::now();
    if (!next) {
      wait_until(now + kRetryAfterFailure, true);
    } else if (*next == Next::kAfterInterval) {
      wait_until(begun + interval, true);
    } else if (*next != Next::kAtOnce) {
      wait_until(now + (*next == Next::kSoon ? kSoon : kLater), false);
    }
  }
}

// Sleeps until `time`, or until there is news (unless `regardless` of it) or stop().
void EngineLoop::wait_until(std::chrono::steady_clock::time_point time, bool regardless) {
  MutexLock lock(mutex_);
  changed_.wait_until(lock.native(), time, [this, regardless]() GF_REQUIRES(mutex_) {
    return is_stopping_ || (has_news_ && !regardless);
  });
  has_news_ = false;
}

void EngineLoop::set_health(Status status) {
  const MutexLock lock(health_mutex_);
  if (!status && (health_ || health_.error().message != status.error().message))
    spdlog::error("the dataflow makes no progress: {}; trying again", status.error().message);
  if (status && !health_) spdlog::info("the dataflow goes on");
  health_ = std::move(status);
}

Status EngineLoop::health() const {
  const MutexLock lock(health_mutex_);
  return health_;
}

}  // namespace gameflow::runtime
