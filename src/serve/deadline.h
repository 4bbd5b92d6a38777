// When something that a socket waits for takes too long: then it is cancelled.
//
// Threads  those of the socket's strand.
#pragma once

#include <chrono>
#include <memory>

#include "serve/net.h"

namespace gameflow::serve {

class Deadline : public std::enable_shared_from_this<Deadline> {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  // `socket` outlives it.
  explicit Deadline(Tcp::socket& socket) : socket_(socket), timer_(socket.get_executor()) {}

  // Instead of what was set before.
  void set(Instant due);
  void set_in(std::chrono::milliseconds time) { set(std::chrono::steady_clock::now() + time); }
  void lift() { due_ = Instant::max(); }
  // The last one that was set has passed. The socket is told again and again: what it had at the
  // first time may just have come, and its reader waits for more.
  bool has_passed() const { return has_passed_; }

 private:
  void wait(Instant until);

  Tcp::socket& socket_;
  asio::steady_timer timer_;
  Instant due_ = Instant::max();
  bool is_waiting_ = false, has_passed_ = false;
};

}  // namespace gameflow::serve
