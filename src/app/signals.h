// SIGINT and SIGTERM as something to wait for, instead of something that interrupts.
#pragma once

#include <chrono>

namespace gameflow::app {

// Blocks both in this thread and in every thread started after it: make one before any other
// thread. Also ignores SIGPIPE, so that a closed reader is an error of write().
class TerminationSignals {
 public:
  TerminationSignals();
  TerminationSignals(const TerminationSignals&) = delete;
  TerminationSignals& operator=(const TerminationSignals&) = delete;

  // The signal's number once one arrives, or 0 after `timeout`. After the first signal a second
  // one ends the process at once.
  int wait_for(std::chrono::milliseconds timeout);
  int wait();

 private:
  int caught(int signal);
};

}  // namespace gameflow::app
