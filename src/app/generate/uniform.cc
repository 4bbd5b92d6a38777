// The uniform profile: so many events a second of each kind, each kind a stream and a thread of its
// own.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <deque>
#include <stop_token>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "app/commands.h"
#include "app/generate/profiles.h"
#include "app/generate/progress.h"
#include "app/generate/topic_sender.h"
#include "app/signals.h"
#include "app/terminal.h"
#include "generate/generator.h"

namespace gameflow::app {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

// Events of one request. At full speed large, because a request costs an fsync; when paced, what is
// due in one tick.
constexpr std::uint64_t kBatchEventsMax = 5'000;
constexpr std::chrono::milliseconds kTick = 50ms;
// After a pause of the server the schedule starts anew, instead of sending all that was missed.
constexpr std::chrono::seconds kBehindMax = 1s;
// Event time advances at this rate where neither the clock nor --rate says how.
constexpr std::uint64_t kDefaultRate = 100;

// One kind of event: what comes next, and when.
class Stream {
 public:
  Stream(const GenerateOptions& options, generate::EventKind kind, std::uint64_t seed)
      : options_(options),
        kind_(kind),
        generator_(kind, {.seed = seed, .players = options.players}) {}

  generate::EventKind kind() const { return kind_; }
  bool at_end() const { return options_.events && made_ >= *options_.events; }
  std::uint64_t made() const { return made_; }

  // Leaves out events that an earlier run has sent.
  void skip(std::uint64_t count) {
    generator_.skip(count);
    made_ += count;
    scheduled_ = made_;
  }

  // Appends the events that are due, at most kBatchEventsMax, and returns how many; 0: none yet.
  std::uint64_t append_due(std::string& out) {
    std::uint64_t count = kBatchEventsMax;
    if (options_.rate) count = std::min(count, due(*options_.rate));
    if (options_.events) count = std::min(count, *options_.events - made_);
    const Timestamp now = clock_.now();
    for (std::uint64_t i = 0; i < count; ++i) generator_.append(event_time(now, i, count), out);
    made_ += count;
    return count;
  }

 private:
  std::uint64_t due(std::uint64_t rate) {
    const auto now = SteadyClock::now();
    if (!started_ || now - due_until_ > kBehindMax) {
      started_ = now;
      scheduled_ = made_;
    }
    due_until_ = now;
    const double seconds = std::chrono::duration<double>(now - *started_).count();
    const auto target =
        scheduled_ + 1 + static_cast<std::uint64_t>(seconds * static_cast<double>(rate));
    return target > made_ ? target - made_ : 0;
  }

  // By the clock: spread over the tick that has passed, so that 100 events do not share a
  // millisecond.
  Timestamp event_time(Timestamp now, std::uint64_t index, std::uint64_t count) const {
    const std::uint64_t rate = options_.rate.value_or(kDefaultRate);
    if (options_.start_time) {
      return *options_.start_time +
             Duration{static_cast<std::int64_t>((made_ + index) * 1000 / rate)};
    }
    if (!options_.rate) return now;
    return now - Duration{static_cast<std::int64_t>((count - 1 - index) * 1000 / rate)};
  }

  const GenerateOptions& options_;
  generate::EventKind kind_;
  generate::Generator generator_;
  SystemClock clock_;
  std::uint64_t made_ = 0;
  std::optional<SteadyClock::time_point> started_;  // of the schedule
  SteadyClock::time_point due_until_;
  std::uint64_t scheduled_ = 0;  // made_ at started_
};

// Sends one stream until its end, a stop, or an error. Runs in a thread of its own.
Status send_stream(Stream& stream, const GenerateOptions& options, Counters& counters,
                   std::stop_token stop) {
  GF_ASSIGN(auto sender, TopicSender::open(options, stream.kind(), counters));
  if (!options.producer_id.empty()) {
    GF_ASSIGN(const std::uint64_t known, sender.resume(stop));
    stream.skip(known);
  }
  std::string batch;
  while (!stop.stop_requested() && !stream.at_end()) {
    batch.clear();
    const std::uint64_t count = stream.append_due(batch);
    if (count == 0) {
      std::this_thread::sleep_for(kTick);
      continue;
    }
    counters.generated += count;
    GF_TRY(sender.send(batch, count, stop));
    if (options.rate && count < kBatchEventsMax) std::this_thread::sleep_for(kTick);
  }
  return {};
}

int send_all(const GenerateOptions& options, std::uint64_t seed) {
  TerminationSignals signals;
  std::stop_source stop;
  std::deque<Stream> streams;
  std::deque<Counters> counters(options.kinds.size());
  std::vector<Status> results(options.kinds.size());
  std::atomic<int> running = static_cast<int>(options.kinds.size());
  const auto start = SteadyClock::now();
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < options.kinds.size(); ++i) {
      Stream& stream = streams.emplace_back(options, options.kinds[i], seed);
      threads.emplace_back([&, i, &stream = stream] {
        results[i] = send_stream(stream, options, counters[i], stop.get_token());
        // One topic that refuses ends them all: half a demo helps nobody.
        if (!results[i]) stop.request_stop();
        --running;
      });
    }
    supervise(signals, counters, running, stop);
  }
  return print_outcome(counters, results, SteadyClock::now() - start, seed);
}

int print_all(const GenerateOptions& options, std::uint64_t seed) {
  std::deque<Stream> streams;
  for (const auto kind : options.kinds) streams.emplace_back(options, kind, seed);
  std::string lines;
  bool more = true;
  while (more) {
    more = false;
    for (Stream& stream : streams) {
      if (stream.at_end()) continue;
      more = true;
      lines.clear();
      stream.append_due(lines);
      if (std::fwrite(lines.data(), 1, lines.size(), stdout) != lines.size()) return kExitFine;
    }
    if (options.rate && more) {
      std::fflush(stdout);
      std::this_thread::sleep_for(kTick);
    }
  }
  return kExitFine;
}

}  // namespace

int generate_uniform(const GenerateOptions& options, std::uint64_t seed) {
  return options.server.url.empty() ? print_all(options, seed) : send_all(options, seed);
}

}  // namespace gameflow::app
