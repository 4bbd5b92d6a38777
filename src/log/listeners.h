// The listeners of a store.
//
// Threads  any. A listener must not call remove() for itself from inside its own call.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

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
    std::mutex mutex;  // held during the call, so that remove() can wait for it
    Log::Listener changed;
  };

  std::mutex mutex_;  // guards the two below; never held during a call
  std::map<Log::ListenerId, std::shared_ptr<Entry>> entries_;
  Log::ListenerId next_id_ = 1;
};

}  // namespace gameflow::log
