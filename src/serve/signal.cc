#include "serve/signal.h"

#include <array>
#include <tuple>

#include <boost/asio/buffer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace gameflow::serve {

void Signal::wake() {
  // The post runs after the coroutine on the strand has gone to sleep or has seen set_: no wake-up
  // is lost. One that comes too late only makes it look once more.
  if (set_.exchange(true)) return;
  asio::post(timer_.get_executor(), [self = shared_from_this()] { self->timer_.cancel(); });
}

asio::awaitable<void> Signal::wait() {
  if (set_.exchange(false)) co_return;
  timer_.expires_at(asio::steady_timer::time_point::max());
  ErrorOf cancelled;
  co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  (void)set_.exchange(false);  // an exchange: what the wakers wrote before is seen after it
}

asio::awaitable<bool> Signal::wait(Tcp::socket& client) {
  if (!is_silent_) {
    co_await wait();
    co_return true;
  }
  if (set_.exchange(false)) co_return true;
  timer_.expires_at(asio::steady_timer::time_point::max());
  // Both begin here, without a detour over the strand: no wake-up gets between.
  const auto [order, cancelled, unreadable] =
      co_await asio::experimental::make_parallel_group(
          timer_.async_wait(asio::deferred),
          client.async_wait(Tcp::socket::wait_read, asio::deferred))
          .async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
  (void)set_.exchange(false);
  if (order[0] == 0) co_return true;
  if (unreadable) co_return false;
  std::array<char, 1> byte{};
  ErrorOf ended;
  client.receive(asio::buffer(byte), Tcp::socket::message_peek, ended);
  is_silent_ = false;
  co_return !ended;
}

}  // namespace gameflow::serve
