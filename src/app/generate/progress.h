// How far sending has come, for the person who started it.
//
// Threads  senders count, one other thread shows.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <stop_token>

#include "app/signals.h"

namespace gameflow::app {

// Counts of one topic.
struct Counters {
  std::atomic<std::uint64_t> sent = 0, rejected = 0, retries = 0, generated = 0;
  std::atomic<std::uint64_t> corrupt = 0;  // generated so: they are to be rejected
};

struct Totals {
  std::uint64_t sent = 0, rejected = 0, retries = 0, unconfirmed = 0;
  // Rejected, though nothing was wrong with them.
  std::uint64_t refused = 0;
};

Totals total(const std::deque<Counters>& counters);
void print_summary(const Totals& totals, double seconds, std::uint64_t seed);

// Shows progress until `running` is 0, or a signal has come and it has requested a stop.
void supervise(TerminationSignals& signals, const std::deque<Counters>& counters,
               const std::atomic<int>& running, std::stop_source& stop);

}  // namespace gameflow::app
