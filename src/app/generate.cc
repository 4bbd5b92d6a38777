// gameflow generate: paces the synthetic streams, and prints them or produces them into topics.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <deque>
#include <functional>
#include <random>
#include <stop_token>
#include <thread>

#include <fmt/format.h>

#include "app/commands.h"
#include "app/signals.h"
#include "app/terminal.h"
#include "client/http_client.h"
#include "client/producer.h"
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

// Counts of one stream, read by the thread that shows progress.
struct Counters {
  std::atomic<std::uint64_t> sent = 0, rejected = 0, retries = 0, generated = 0;
};

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
  GF_ASSIGN(const auto http, client::HttpClient::open(options.server));
  const bool random_id = options.producer_id.empty();
  client::Producer producer(
      *http, {.topic = std::string(generate::topic_of(stream.kind())),
              .key_field = std::string(generate::key_field_of(stream.kind())),
              .id = random_id ? client::random_producer_id("generate") : options.producer_id,
              .id_is_random = random_id,
              .tell = print_note,
              .retrying = [&counters] { ++counters.retries; }});
  if (!random_id) {
    GF_ASSIGN(const std::uint64_t known, producer.resume(stop));
    stream.skip(known);
  }
  std::string batch;
  bool told_rejected = false;
  while (!stop.stop_requested() && !stream.at_end()) {
    batch.clear();
    const std::uint64_t count = stream.append_due(batch);
    if (count == 0) {
      std::this_thread::sleep_for(kTick);
      continue;
    }
    counters.generated += count;
    GF_ASSIGN(const client::SendReport report, producer.send(batch, count, stop));
    counters.sent += report.accepted + report.duplicates;
    counters.rejected += report.rejected;
    if (!report.errors.empty() && !told_rejected) {
      told_rejected = true;
      print_note(fmt::format("topic {} rejects events: {} {}", generate::topic_of(stream.kind()),
                             report.errors[0].field, report.errors[0].message));
    }
    if (options.rate && count < kBatchEventsMax) std::this_thread::sleep_for(kTick);
  }
  return {};
}

struct Totals {
  std::uint64_t sent = 0, rejected = 0, retries = 0, unconfirmed = 0;
};

Totals total(const std::deque<Counters>& counters) {
  Totals totals;
  for (const Counters& each : counters) {
    totals.sent += each.sent;
    totals.rejected += each.rejected;
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

// Shows progress until every stream has ended, or a signal has come and they have stopped.
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

int send_all(const GenerateOptions& options, std::uint64_t seed) {
  TerminationSignals signals;
  std::stop_source stop;
  std::deque<Stream> streams;
  std::deque<Counters> counters(options.kinds.size());
  std::deque<Status> results(options.kinds.size());
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
  clear_progress();
  const Totals totals = total(counters);
  print_summary(totals, std::chrono::duration<double>(SteadyClock::now() - start).count(), seed);
  int exit_code = totals.rejected > 0 ? kExitFailed : kExitFine;
  for (const Status& result : results) {
    // Stopped while the server was away: the summary has said so.
    if (result || result.error().code == ErrorCode::kUnavailable) continue;
    exit_code = print_error(result.error());
  }
  return exit_code;
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

// Given, or drawn; a producer that is to continue an earlier stream needs the same one again.
std::uint64_t choose_seed(const GenerateOptions& options) {
  if (options.seed) return *options.seed;
  if (!options.producer_id.empty()) {
    std::uint64_t seed = 0;
    for (const char c : options.producer_id) {
      seed = generate::mix64(seed * 257 + static_cast<unsigned char>(c));
    }
    return seed;
  }
  return std::random_device{}();
}

}  // namespace

int generate_command(const GenerateOptions& options) {
  const std::uint64_t seed = choose_seed(options);
  return options.server.url.empty() ? print_all(options, seed) : send_all(options, seed);
}

}  // namespace gameflow::app
