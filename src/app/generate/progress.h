// How far sending has come, for the person who started it.
//
// Threads  senders count, one other thread shows.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <stop_token>
#include <vector>

#include "app/signals.h"
#include "base/error.h"

namespace gameflow::app {

// Counts of one topic.
struct Counters {
  std::atomic<std::uint64_t> sent = 0, rejected = 0, retries = 0, generated = 0;
  std::atomic<std::uint64_t> corrupt = 0;  // generated so: they are to be rejected
};

// Shows progress until `running` is 0, or a signal has come and it has requested a stop.
void supervise(TerminationSignals& signals, const std::deque<Counters>& counters,
               const std::atomic<int>& running, std::stop_source& stop);

// What it came to, and what went wrong. Returns the exit code.
int print_outcome(const std::deque<Counters>& counters, const std::vector<Status>& results,
                  std::chrono::duration<double> time, std::uint64_t seed);

}  // namespace gameflow::app
