// The listeners of a store.
//
// Threads  any. A listener must not call remove() for itself from inside its own call.
#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "log/log.h"

namespace gameflow::log {

class Listeners {
 public:
  Log::ListenerId add(Log::Listener changed);
  // Returns after the last call of that listener has.
  void remove(Log::ListenerId id);
  // Calls every listener, on this thread, with no lock of another listener held.
  void notify(TopicId topic);

 private:
  struct Entry {
    explicit Entry(Log::Listener listener) : changed(std::move(listener)) {}
    Mutex mutex;  // held during the call, so that remove() can wait for it
    Log::Listener changed GF_GUARDED_BY(mutex);
  };

  Mutex mutex_;  // never held during a call
  std::map<Log::ListenerId, std::shared_ptr<Entry>> entries_ GF_GUARDED_BY(mutex_);
  Log::ListenerId next_id_ GF_GUARDED_BY(mutex_) = 1;
};

}  // namespace gameflow::log
