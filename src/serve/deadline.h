// When something that a connection waits for takes too long: then it is cancelled.
//
// Threads  those of the connection's strand.
#pragma once

#include <chrono>
#include <memory>

#include "serve/net.h"
#include "serve/transport.h"

namespace gameflow::serve {

class Deadline : public std::enable_shared_from_this<Deadline> {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  // `transport` outlives it.
  explicit Deadline(Transport& transport)
      : transport_(transport), timer_(transport.get_executor()) {}

  // Instead of what was set before.
  void set(Instant due);
  void set_in(std::chrono::milliseconds time) { set(std::chrono::steady_clock::now() + time); }
  void lift() { due_ = Instant::max(); }
  // The last one that was set has passed. The socket is told again and again: what it had at the
  // first time may just have come, and its reader waits for more.
  bool has_passed() const { return has_passed_; }

 private:
  void wait(Instant until);

  Transport& transport_;
  asio::steady_timer timer_;
  Instant due_ = Instant::max();
  bool is_waiting_ = false, has_passed_ = false;
};

}  // namespace gameflow::serve
