// A reply that comes from another thread.
//
// Threads  set(): any; wait(): the strand it is made with.
#pragma once

#include <memory>
#include <optional>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "serve/net.h"
#include "serve/reply.h"

namespace gameflow::serve {

class PendingReply : public std::enable_shared_from_this<PendingReply> {
 public:
  explicit PendingReply(const asio::any_io_executor& strand) : timer_(strand) {}

  // The first one counts.
  void set(Reply reply) {
    asio::post(timer_.get_executor(),
               [self = shared_from_this(), reply = std::move(reply)]() mutable {
                 if (!self->reply_) self->reply_ = std::move(reply);
                 self->timer_.cancel();
               });
  }

  asio::awaitable<Reply> wait() {
    while (!reply_) {
      timer_.expires_at(asio::steady_timer::time_point::max());
      ErrorOf cancelled;
      co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    }
    co_return std::move(*reply_);
  }

 private:
  asio::steady_timer timer_;
  std::optional<Reply> reply_;
};

}  // namespace gameflow::serve
