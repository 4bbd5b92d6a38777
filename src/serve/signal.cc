#include "serve/signal.h"

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

}  // namespace gameflow::serve
