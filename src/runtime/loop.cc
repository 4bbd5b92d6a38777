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

void EngineLoop::start(Turn turn) {
  if (thread_.joinable()) return;
  {
    const MutexLock lock(mutex_);
    is_stopping_ = false;
  }
  thread_ = std::thread([this, turn = std::move(turn)] { run(turn); });
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

void EngineLoop::run(const Turn& turn) {
  for (;;) {
    {
      const MutexLock lock(mutex_);
      if (is_stopping_) return;
    }
    const auto next = run_turn(turn);
    set_health(next ? Status{} : Status(fail(next.error())));
    if (!next) {
      wait(kRetryAfterFailure, true);
    } else if (*next != Next::kAtOnce) {
      wait(*next == Next::kSoon ? kSoon : kLater, false);
    }
  }
}

// Sleeps for `time`, or until there is news (unless `regardless` of it) or stop().
void EngineLoop::wait(std::chrono::milliseconds time, bool regardless) {
  MutexLock lock(mutex_);
  changed_.wait_for(lock.native(), time, [this, regardless]() GF_REQUIRES(mutex_) {
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
