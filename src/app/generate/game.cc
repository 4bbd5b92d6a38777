// The game: one feed of all events, read at its pace, printed or sent by a thread for each topic.

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <deque>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "app/commands.h"
#include "app/generate/feeds.h"
#include "app/generate/profiles.h"
#include "app/generate/progress.h"
#include "app/generate/topic_sender.h"
#include "app/signals.h"
#include "app/terminal.h"
#include "base/mutex.h"
#include "base/sleep.h"
#include "generate/game/game_feed.h"

namespace gameflow::app {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

// Events of one request, and what may wait for it.
constexpr std::uint64_t kBatchEventsMax = 5'000;
constexpr std::size_t kQueueBytesMax = 8U << 20;
constexpr std::chrono::milliseconds kTick = 50ms;
// How long a stop waits for what has been made already.
constexpr std::chrono::seconds kLastWords = 10s;

// Events of one topic on their way to the thread that sends them.
//
// Threads  one puts, one takes.
class Queue {
 public:
  struct Batch {
    std::string lines;
    std::uint64_t count = 0;
  };

  // Waits while too much is queued. false: nobody takes any more.
  bool put(std::string_view json) {
    MutexLock lock(mutex_);
    changed_.wait(lock.native(), [this]() GF_REQUIRES(mutex_) {
      return batches_.size() < 2 || bytes_ < kQueueBytesMax || is_abandoned_;
    });
    if (is_abandoned_) return false;
    if (batches_.empty() || batches_.back().count == kBatchEventsMax) batches_.emplace_back();
    Batch& batch = batches_.back();
    batch.lines += json;
    batch.lines += '\n';
    bytes_ += json.size() + 1;
    if (++batch.count == 1 || batch.count == kBatchEventsMax) changed_.notify_all();
    return true;
  }
  void close() { set(&Queue::is_closed_); }
  void abandon() { set(&Queue::is_abandoned_); }

  // Waits for the next ones. Without any: there are no more.
  Batch take() {
    MutexLock lock(mutex_);
    changed_.wait(lock.native(),
                  [this]() GF_REQUIRES(mutex_) { return !batches_.empty() || is_closed_; });
    if (batches_.empty()) return {};
    Batch batch = std::move(batches_.front());
    batches_.pop_front();
    bytes_ -= batch.lines.size();
    changed_.notify_all();
    return batch;
  }

 private:
  void set(bool Queue::*flag) {
    const MutexLock lock(mutex_);
    this->*flag = true;
    changed_.notify_all();
  }

  Mutex mutex_;
  std::condition_variable changed_;
  std::deque<Batch> batches_ GF_GUARDED_BY(mutex_);
  std::size_t bytes_ GF_GUARDED_BY(mutex_) = 0;
  bool is_closed_ GF_GUARDED_BY(mutex_) = false;
  bool is_abandoned_ GF_GUARDED_BY(mutex_) = false;
};

// A topic's connection.
struct Lane {
  generate::EventKind kind{};
  std::optional<TopicSender> sender;
  Counters* counters = nullptr;
  Queue queue;
  Status result;
};

Status send(Lane& lane, const std::stop_token& stop) {
  while (true) {
    const Queue::Batch batch = lane.queue.take();
    if (batch.count == 0) return {};
    GF_TRY(lane.sender->send(batch.lines, batch.count, stop));
  }
}

// Reads the feed as its pace says and gives each event to `give`, until the feed ends, `give` or
// `is_stopped` says so. With a truth to be written, what is left of the step comes at once then.
template <class Give, class IsStopped>
void read_at_pace(const GenerateOptions& options, generate::GameFeed& feed, Timestamp start,
                  const Give& give, const IsStopped& is_stopped, const auto& flush) {
  const SystemClock clock;
  const Pace pace(options, options.from.value_or(start), start);
  while (!is_stopped()) {
    const auto events = feed.next(pace.until(clock.now()));
    for (const generate::FeedEvent& event : events) {
      if (!give(event)) return;
    }
    if (!events.empty()) continue;
    flush();
    const auto next = feed.next_time();
    if (!next) return;
    const Duration wait = pace.wait_for(*next, clock.now());
    std::this_thread::sleep_for(std::min(kTick, std::chrono::milliseconds(wait.ms)));
  }
  if (options.truth_file.empty()) return;
  feed.end_with_step();
  for (auto rest = feed.next(generate::kEndOfTime); !rest.empty();
       rest = feed.next(generate::kEndOfTime)) {
    for (const generate::FeedEvent& event : rest) {
      if (!give(event)) return;
    }
  }
}

Status write_truth(const std::string& name, const std::string& text) {
  std::FILE* const file = std::fopen(name.c_str(), "w");
  const bool is_fine = file != nullptr &&
                       std::fwrite(text.data(), 1, text.size(), file) == text.size() &&
                       std::fflush(file) == 0;
  const std::string why = std::strerror(errno);
  if (file != nullptr) std::fclose(file);
  if (is_fine) return {};
  return fail(ErrorCode::kDataUnwritable, fmt::format("cannot write '{}': {}", name, why));
}

int print_game(const GenerateOptions& options, generate::GameFeed& feed, Timestamp start,
               std::optional<TerminationSignals>& signals) {
  const auto give = [](const generate::FeedEvent& event) {
    return std::fwrite(event.json.data(), 1, event.json.size(), stdout) == event.json.size() &&
           std::fputc('\n', stdout) != EOF;
  };
  read_at_pace(
      options, feed, start, give, [&] { return signals && signals->wait_for(0ms) != 0; },
      [] { std::fflush(stdout); });
  return kExitFine;
}

// Runs in a thread of its own; `wanted`: of each kind its lane, or null.
void feed_lanes(const GenerateOptions& options, generate::GameFeed& feed, Timestamp start,
                const std::array<Lane*, generate::kEventKinds>& wanted,
                const std::stop_token& stop) {
  const auto give = [&](const generate::FeedEvent& event) {
    Lane& lane = *wanted[static_cast<std::size_t>(event.kind)];
    if (!lane.queue.put(event.json)) return false;
    ++lane.counters->generated;
    if (event.is_corrupt) ++lane.counters->corrupt;
    return true;
  };
  read_at_pace(
      options, feed, start, give, [&] { return stop.stop_requested(); }, [] {});
  for (Lane* const lane : wanted) {
    if (lane != nullptr) lane->queue.close();
  }
}

// Where an earlier run stopped. Live, there is nothing to repeat: the numbers go on, the events are
// new.
Status resume(const GenerateOptions& options, std::deque<Lane>& lanes, generate::GameFeed& feed,
              const std::stop_token& stop) {
  if (options.producer_id.empty()) return {};
  generate::Feed::Counts known{};
  for (Lane& lane : lanes) {
    GF_ASSIGN(known[static_cast<std::size_t>(lane.kind)], lane.sender->resume(stop));
  }
  if (options.from) feed.skip(known);
  return {};
}

int send_game(const GenerateOptions& options, generate::GameFeed& feed, Timestamp start,
              TerminationSignals& signals) {
  std::stop_source stop, give_up;
  std::deque<Lane> lanes;
  std::deque<Counters> counters(options.kinds.size());
  std::array<Lane*, generate::kEventKinds> wanted{};
  Status resumed;
  std::atomic<int> running = static_cast<int>(options.kinds.size()) + 1;
  const auto began = SteadyClock::now();
  for (std::size_t i = 0; i < options.kinds.size(); ++i) {
    Lane& lane = lanes.emplace_back();
    lane.kind = options.kinds[i];
    lane.counters = &counters[i];
    wanted[static_cast<std::size_t>(lane.kind)] = &lane;
    auto sender = TopicSender::open(options, lane.kind, counters[i]);
    if (!sender) return print_error(sender.error());
    lane.sender = *std::move(sender);
  }
  {
    std::vector<std::jthread> threads;
    threads.reserve(lanes.size() + 1);
    for (Lane& lane : lanes) {
      threads.emplace_back([&] {
        lane.result = send(lane, give_up.get_token());
        lane.queue.abandon();
        // One topic that refuses ends them all: half a game helps nobody.
        if (!lane.result) stop.request_stop();
        --running;
      });
    }
    threads.emplace_back([&] {
      resumed = resume(options, lanes, feed, stop.get_token());
      if (!resumed) stop.request_stop();
      feed_lanes(options, feed, start, wanted, stop.get_token());
      --running;
    });
    supervise(signals, counters, running, stop);
    const auto patience = SteadyClock::now() + kLastWords;
    while (running > 0 && SteadyClock::now() < patience) std::this_thread::sleep_for(5ms);
    give_up.request_stop();
    for (Lane& lane : lanes) lane.queue.abandon();
  }
  std::vector<Status> results{resumed};
  for (const Lane& lane : lanes) results.push_back(lane.result);
  return print_outcome(counters, results, SteadyClock::now() - began, feed.seed());
}

}  // namespace

int generate_game(const GenerateOptions& options) {
  // Before there are threads. Without a truth to be written a signal may end what prints at once.
  std::optional<TerminationSignals> signals;
  if (!options.server.url.empty() || !options.truth_file.empty()) signals.emplace();
  if (!options.truth_file.empty()) {
    // Rather now than after a day of events.
    if (const Status writable = write_truth(options.truth_file, ""); !writable)
      return print_error(writable.error());
  }
  const Timestamp start = SystemClock().now();
  auto feed = make_game_feed(options, start);
  if (!feed) return print_error(feed.error());
  const int exit_code = options.server.url.empty() ? print_game(options, **feed, start, signals)
                                                   : send_game(options, **feed, start, *signals);
  if (options.truth_file.empty()) return exit_code;
  if (const Status written = write_truth(options.truth_file, (*feed)->truth()); !written)
    return print_error(written.error());
  return exit_code;
}

}  // namespace gameflow::app
