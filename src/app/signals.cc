#include "app/signals.h"

#include <csignal>
#include <ctime>

namespace gameflow::app {
namespace {

sigset_t awaited(Hangup hangup) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  if (hangup == Hangup::kReload) sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

TerminationSignals::TerminationSignals(Hangup hangup) : hangup_(hangup) {
  const sigset_t set = awaited(hangup_);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

int TerminationSignals::wait_for(std::chrono::milliseconds timeout) {
  const sigset_t set = awaited(hangup_);
  const timespec time{.tv_sec = timeout.count() / 1000,
                      .tv_nsec = timeout.count() % 1000 * 1'000'000};
  const int signal = sigtimedwait(&set, nullptr, &time);
  return signal > 0 ? caught(signal) : 0;
}

int TerminationSignals::wait() {
  const sigset_t set = awaited(hangup_);
  int signal = 0;
  while (sigwait(&set, &signal) != 0) {
  }
  return caught(signal);
}

int TerminationSignals::caught(int signal) const {
  if (signal == SIGHUP) return signal;
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  const sigset_t set = awaited(hangup_);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  return signal;
}

}  // namespace gameflow::app
