// A reply that comes from another thread, perhaps when nobody waits any more.
//
// Threads  the callback: any, also after the server is gone; else the strand it is made with.
#pragma once

#include <memory>
#include <optional>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/mutex.h"
#include "serve/net.h"
#include "serve/route.h"

namespace gameflow::serve {

class PendingReply {
 public:
  explicit PendingReply(const asio::any_io_executor& strand) : timer_(strand) {}
  ~PendingReply() {
    const MutexLock lock(link_->mutex);
    link_->waiter = nullptr;
  }
  PendingReply(const PendingReply&) = delete;
  PendingReply& operator=(const PendingReply&) = delete;

  // The first reply counts.
  ReplyCallback callback() {
    return [link = link_](Reply reply) {
      const MutexLock lock(link->mutex);
      if (link->waiter == nullptr) return;
      asio::post(link->waiter->timer_.get_executor(), [link, reply = std::move(reply)]() mutable {
        const MutexLock waiting(link->mutex);
        if (link->waiter != nullptr) link->waiter->set(std::move(reply));
      });
    };
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
  // Outlives the one who waits.
  struct Link {
    explicit Link(PendingReply* by) : waiter(by) {}
    Mutex mutex;
    PendingReply* waiter GF_GUARDED_BY(mutex);
  };

  void set(Reply reply) {
    if (!reply_) reply_ = std::move(reply);
    timer_.cancel();
  }

  asio::steady_timer timer_;
  std::optional<Reply> reply_;
  const std::shared_ptr<Link> link_ = std::make_shared<Link>(this);
};

}  // namespace gameflow::serve
