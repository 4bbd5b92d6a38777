// Wakes sessions when their topic has something new.
//
// Threads  any; the store calls the hub on its commit thread.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "api/api.h"
#include "base/mutex.h"
#include "log/log.h"
#include "log/topics.h"
#include "serve/messages.h"

namespace gameflow::http {

// One listener at the store for all sessions. Holds them weakly: a session that ended is forgotten
// at the next change of its topic.
class ChangeHub {
 public:
  explicit ChangeHub(log::Log& log);
  ~ChangeHub();
  ChangeHub(const ChangeHub&) = delete;
  ChangeHub& operator=(const ChangeHub&) = delete;

  void watch(log::TopicId topic, const std::shared_ptr<serve::Waiter>& waiter);

 private:
  void changed(log::TopicId topic);

  log::Log& log_;
  Mutex mutex_;
  std::unordered_map<log::TopicId, std::vector<std::weak_ptr<serve::Waiter>>> watchers_
      GF_GUARDED_BY(mutex_);
  log::Log::ListenerId listener_;
};

}  // namespace gameflow::http
