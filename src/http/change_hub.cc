#include "http/change_hub.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace gameflow::http {

void Signal::set() {
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
  (void)set_.exchange(false);  // an exchange: what the setters wrote before is seen after it
}

ChangeHub::ChangeHub(log::Log& log)
    : log_(log), listener_(log.listen([this](log::TopicId topic) { changed(topic); })) {}

ChangeHub::~ChangeHub() {
  log_.unlisten(listener_);
}

void ChangeHub::watch(log::TopicId topic, const std::shared_ptr<Signal>& signal) {
  const MutexLock lock(mutex_);
  auto& watchers = watchers_[topic];
  std::erase_if(watchers, [](const auto& watcher) { return watcher.expired(); });
  watchers.push_back(signal);
}

void ChangeHub::changed(log::TopicId topic) {
  const MutexLock lock(mutex_);
  const auto found = watchers_.find(topic);
  if (found == watchers_.end()) return;
  std::erase_if(found->second, [](const auto& watcher) {
    const auto signal = watcher.lock();
    if (signal) signal->set();
    return signal == nullptr;
  });
  if (found->second.empty()) watchers_.erase(found);
}

}  // namespace gameflow::http
