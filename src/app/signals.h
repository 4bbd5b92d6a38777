// Signals as something to wait for, instead of something that interrupts.
#pragma once

#include <chrono>
#include <cstdint>

namespace gameflow::app {

// What SIGHUP is to a program.
enum class Hangup : std::uint8_t {
  kEnds,    // the terminal is gone: it ends at once
  kReload,  // it is waited for like the others, and comes as often as it is sent
};

// Blocks SIGINT and SIGTERM in this thread and in every thread started after it: make one before
// any other thread. Also ignores SIGPIPE, so that a closed reader is an error of write().
class TerminationSignals {
 public:
  explicit TerminationSignals(Hangup hangup = Hangup::kEnds);
  TerminationSignals(const TerminationSignals&) = delete;
  TerminationSignals& operator=(const TerminationSignals&) = delete;

  // The signal's number once one arrives, or 0 after `timeout`. After the first SIGINT or SIGTERM
  // another one ends the process at once.
  int wait_for(std::chrono::milliseconds timeout);
  int wait();

 private:
  int caught(int signal) const;

  const Hangup hangup_;
};

}  // namespace gameflow::app
