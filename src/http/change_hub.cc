#include "http/change_hub.h"

namespace gameflow::http {

ChangeHub::ChangeHub(log::Log& log)
    : log_(log), listener_(log.listen([this](log::TopicId topic) { changed(topic); })) {}

ChangeHub::~ChangeHub() {
  log_.unlisten(listener_);
}

void ChangeHub::watch(log::TopicId topic, const std::shared_ptr<serve::Waiter>& waiter) {
  const MutexLock lock(mutex_);
  auto& watchers = watchers_[topic];
  std::erase_if(watchers, [](const auto& watcher) { return watcher.expired(); });
  watchers.push_back(waiter);
}

void ChangeHub::changed(log::TopicId topic) {
  const MutexLock lock(mutex_);
  const auto found = watchers_.find(topic);
  if (found == watchers_.end()) return;
  std::erase_if(found->second, [](const auto& watcher) {
    const auto waiter = watcher.lock();
    if (waiter) waiter->wake();
    return waiter == nullptr;
  });
  if (found->second.empty()) watchers_.erase(found);
}

}  // namespace gameflow::http
