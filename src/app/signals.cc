#include "app/signals.h"

#include <csignal>
#include <ctime>

namespace gameflow::app {
namespace {

sigset_t termination_set() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

TerminationSignals::TerminationSignals() {
  const sigset_t set = termination_set();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

int TerminationSignals::wait_for(std::chrono::milliseconds timeout) {
  const sigset_t set = termination_set();
  const timespec time{.tv_sec = timeout.count() / 1000,
                      .tv_nsec = timeout.count() % 1000 * 1'000'000};
  const int signal = sigtimedwait(&set, nullptr, &time);
  return signal > 0 ? caught(signal) : 0;
}

int TerminationSignals::wait() {
  const sigset_t set = termination_set();
  int signal = 0;
  while (sigwait(&set, &signal) != 0) {
  }
  return caught(signal);
}

int TerminationSignals::caught(int signal) {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  const sigset_t set = termination_set();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  return signal;
}

}  // namespace gameflow::app
