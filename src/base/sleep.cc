#include "base/sleep.h"

#include <condition_variable>

#include "base/mutex.h"

namespace gameflow {

bool sleep_unless_stopped(std::chrono::milliseconds time, const std::stop_token& stop) {
  Mutex nothing;
  std::condition_variable_any stopped;
  MutexLock lock(nothing);
  stopped.wait_for(lock.native(), stop, time, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace gameflow
