// Wakes the coroutine of one connection.
#pragma once

#include <atomic>
#include <memory>

#include "base/mutex.h"
#include "serve/messages.h"
#include "serve/net.h"
#include "serve/transport.h"

namespace gameflow::serve {

// A wake() between two waits is kept. Whoever wakes it may hold it for longer than the connection
// and the server are there.
class Signal final : public Waiter, public std::enable_shared_from_this<Signal> {
 public:
  void wake() override;
  // On the connection's strand. Returns at once if wake() ran since the last wait; may also return
  // for nothing.
  asio::awaitable<void> wait();
  // The same for a client that has nothing more to say; false: it has closed the connection, or its
  // half of it.
  asio::awaitable<bool> wait(Transport& client);

 private:
  struct Sleep;

  std::atomic<bool> set_ = false;
  bool is_silent_ = true;  // the client: what it says nobody reads
  Mutex mutex_;
  asio::steady_timer* timer_ GF_GUARDED_BY(mutex_) = nullptr;  // that wait() sleeps on
};

}  // namespace gameflow::serve
