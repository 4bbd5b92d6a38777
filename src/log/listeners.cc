#include "log/listeners.h"

#include <utility>

namespace gameflow::log {

Log::ListenerId Listeners::add(Log::Listener changed) {
  auto entry = std::make_shared<Entry>(std::move(changed));
  const MutexLock lock(mutex_);
  entries_.emplace(next_id_, std::move(entry));
  return next_id_++;
}

void Listeners::remove(Log::ListenerId id) {
  std::shared_ptr<Entry> entry;
  {
    const MutexLock lock(mutex_);
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;
    entry = std::move(found->second);
    entries_.erase(found);
  }
  const MutexLock lock(entry->mutex);
  entry->changed = nullptr;
}

void Listeners::notify(TopicId topic) {
  std::vector<std::shared_ptr<Entry>> entries;
  {
    const MutexLock lock(mutex_);
    entries.reserve(entries_.size());
    for (const auto& [id, entry] : entries_) entries.push_back(entry);
  }
  for (const auto& entry : entries) {
    const MutexLock lock(entry->mutex);
    if (entry->changed) entry->changed(topic);
  }
}

}  // namespace gameflow::log
