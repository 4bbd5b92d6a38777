#include "log/listeners.h"

#include <utility>

namespace gameflow::log {

Log::ListenerId Listeners::add(Log::Listener changed) {
  auto entry = std::make_shared<Entry>();
  entry->changed = std::move(changed);
  const std::lock_guard lock(mutex_);
  entries_.emplace(next_id_, std::move(entry));
  return next_id_++;
}

void Listeners::remove(Log::ListenerId id) {
  std::shared_ptr<Entry> entry;
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;
    entry = std::move(found->second);
    entries_.erase(found);
  }
  const std::lock_guard lock(entry->mutex);
  entry->changed = nullptr;
}

void Listeners::notify(TopicId topic) {
  std::vector<std::shared_ptr<Entry>> entries;
  {
    const std::lock_guard lock(mutex_);
    entries.reserve(entries_.size());
    for (const auto& [id, entry] : entries_) entries.push_back(entry);
  }
  for (const auto& entry : entries) {
    const std::lock_guard lock(entry->mutex);
    if (entry->changed) entry->changed(topic);
  }
}

}  // namespace gameflow::log
