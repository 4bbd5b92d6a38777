// Wakes sessions when their topic has something new.
//
// Threads  the store calls the hub on its commit thread; that only posts. A Signal is waited for on
//          its strand.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "api/api.h"
#include "base/mutex.h"
#include "http/net.h"
#include "log/log.h"
#include "log/topics.h"

namespace gameflow::http {

// "Look again": set from any thread, waited for by one coroutine. A set between two waits is kept,
// several are one.
class Signal : public std::enable_shared_from_this<Signal> {
 public:
  explicit Signal(const asio::any_io_executor& strand) : timer_(strand) {}

  void set();
  // On the strand. Returns at once if set() ran since the last wait; may also return for nothing.
  asio::awaitable<void> wait();

 private:
  std::atomic<bool> set_ = false;
  asio::steady_timer timer_;
};

// One listener at the store for all sessions. Holds them weakly: a session that ended is forgotten
// at the next change of its topic.
class ChangeHub {
 public:
  explicit ChangeHub(log::Log& log);
  ~ChangeHub();
  ChangeHub(const ChangeHub&) = delete;
  ChangeHub& operator=(const ChangeHub&) = delete;

  void watch(log::TopicId topic, const std::shared_ptr<Signal>& signal);

 private:
  void changed(log::TopicId topic);

  log::Log& log_;
  Mutex mutex_;
  std::unordered_map<log::TopicId, std::vector<std::weak_ptr<Signal>>> watchers_
      GF_GUARDED_BY(mutex_);
  log::Log::ListenerId listener_;
};

}  // namespace gameflow::http
