#include "app/generate/progress.h"

#include <algorithm>
#include <chrono>
#include <string>

#include <fmt/format.h>

#include "app/commands.h"
#include "app/terminal.h"

namespace gameflow::app {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

struct Totals {
  std::uint64_t sent = 0, rejected = 0, retries = 0, unconfirmed = 0;
  // Rejected, though nothing was wrong with them.
  std::uint64_t refused = 0;
};

Totals total(const std::deque<Counters>& counters) {
  Totals totals;
  for (const Counters& each : counters) {
    totals.sent += each.sent;
    totals.rejected += each.rejected;
    totals.refused += each.rejected - std::min(each.rejected.load(), each.corrupt.load());
    totals.retries += each.retries;
    totals.unconfirmed +=
        each.generated - std::min(each.generated.load(), each.sent + each.rejected);
  }
  return totals;
}

void print_summary(const Totals& totals, double seconds, std::uint64_t seed) {
  std::string text = fmt::format(
      "{} events in {:.1f} s ({}/s), {} retries, seed {}", with_commas(totals.sent), seconds,
      with_commas(
          static_cast<std::uint64_t>(static_cast<double>(totals.sent) / std::max(seconds, 0.001))),
      totals.retries, seed);
  if (totals.rejected > 0) text += fmt::format(", {} rejected", with_commas(totals.rejected));
  if (totals.unconfirmed > 0) {
    text +=
        fmt::format(", {} without an answer when it was stopped", with_commas(totals.unconfirmed));
  }
  print_note(text);
}

}  // namespace

void supervise(TerminationSignals& signals, const std::deque<Counters>& counters,
               const std::atomic<int>& running, std::stop_source& stop) {
  auto last_time = SteadyClock::now();
  std::uint64_t last_sent = 0, rate = 0;
  while (running > 0) {
    if (!stop.stop_requested() && signals.wait_for(50ms) != 0) stop.request_stop();
    if (stop.stop_requested()) return;  // the caller joins
    const Totals totals = total(counters);
    const std::chrono::duration<double> since = SteadyClock::now() - last_time;
    if (since >= 1s) {
      rate =
          static_cast<std::uint64_t>(static_cast<double>(totals.sent - last_sent) / since.count());
      last_sent = totals.sent;
      last_time = SteadyClock::now();
    }
    show_progress(fmt::format("{} events, {}/s, {} retries", with_commas(totals.sent),
                              with_commas(rate), totals.retries));
  }
}

int print_outcome(const std::deque<Counters>& counters, const std::vector<Status>& results,
                  std::chrono::duration<double> time, std::uint64_t seed) {
  clear_progress();
  const Totals totals = total(counters);
  print_summary(totals, time.count(), seed);
  int exit_code = totals.refused > 0 ? kExitFailed : kExitFine;
  for (const Status& result : results) {
    // Stopped while the server was away: the summary has said so.
    if (result || result.error().code == ErrorCode::kUnavailable) continue;
    exit_code = print_error(result.error());
  }
  return exit_code;
}

}  // namespace gameflow::app
