#include "serve/signal.h"

#include <array>
#include <tuple>

#include <boost/asio/buffer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace gameflow::serve {

// While the coroutine sleeps wake() finds its timer.
struct Signal::Sleep {
  Sleep(Signal& of, const asio::any_io_executor& strand) : signal(of), timer(strand) {
    timer.expires_at(asio::steady_timer::time_point::max());
    const MutexLock lock(signal.mutex_);
    signal.timer_ = &timer;
  }
  ~Sleep() {
    const MutexLock lock(signal.mutex_);
    signal.timer_ = nullptr;
  }
  Sleep(const Sleep&) = delete;
  Sleep& operator=(const Sleep&) = delete;

  Signal& signal;
  asio::steady_timer timer;
};

void Signal::wake() {
  if (set_.exchange(true)) return;
  const MutexLock lock(mutex_);
  if (timer_ == nullptr) return;
  // It runs after the coroutine on the strand has gone to sleep or has seen set_: no wake-up is
  // lost. One that comes too late only makes it look once more.
  asio::post(timer_->get_executor(), [self = shared_from_this()] {
    const MutexLock sleeping(self->mutex_);
    if (self->timer_ != nullptr) self->timer_->cancel();
  });
}

asio::awaitable<void> Signal::wait() {
  Sleep sleep(*this, co_await asio::this_coro::executor);
  if (set_.exchange(false)) co_return;
  ErrorOf cancelled;
  co_await sleep.timer.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  (void)set_.exchange(false);  // an exchange: what the wakers wrote before is seen after it
}

asio::awaitable<bool> Signal::wait(Transport& client) {
  if (!is_silent_) {
    co_await wait();
    co_return true;
  }
  Sleep sleep(*this, co_await asio::this_coro::executor);
  if (set_.exchange(false)) co_return true;
  // Both begin here, without a detour over the strand: no wake-up gets between. What the client
  // still says is for nobody: after a stream the connection ends.
  std::array<char, 1> byte{};
  const auto [order, cancelled, ended, size] =
      co_await asio::experimental::make_parallel_group(
          sleep.timer.async_wait(asio::deferred),
          client.async_read_some(asio::buffer(byte), asio::deferred))
          .async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
  (void)set_.exchange(false);
  if (order[0] == 0) co_return true;
  is_silent_ = false;
  co_return !ended;
}

}  // namespace gameflow::serve
