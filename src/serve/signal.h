// Wakes the coroutine of one connection.
#pragma once

#include <atomic>
#include <memory>

#include "serve/messages.h"
#include "serve/net.h"

namespace gameflow::serve {

// A wake() between two waits is kept.
class Signal final : public Waiter, public std::enable_shared_from_this<Signal> {
 public:
  explicit Signal(const asio::any_io_executor& strand) : timer_(strand) {}

  void wake() override;
  // On the strand. Returns at once if wake() ran since the last wait; may also return for nothing.
  asio::awaitable<void> wait();
  // The same for a client that has nothing more to say; false: it has closed the connection, or its
  // half of it.
  asio::awaitable<bool> wait(Tcp::socket& client);

 private:
  std::atomic<bool> set_ = false;
  bool is_silent_ = true;  // the client: what it says nobody reads
  asio::steady_timer timer_;
};

}  // namespace gameflow::serve
