// A window of very many keys: what it takes, and what others notice of it. dataflows/large.yaml.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <exception>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include "client.h"
#include "report.h"
#include "runtime/engine.h"
#include "world.h"

namespace gameflow::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::size_t kBatchRecords = 10'000;

std::size_t keys_of(const Setting& setting) {
  return setting.quick ? 20'000 : 1'000'000;
}

std::string use_json(std::size_t user, std::int64_t at_ms) {
  return fmt::format(R"({{"user":"user{:08}","at":{}}})", user, at_ms);  // 12 bytes
}

// One record of each key in the hour before this one: its window is open until something later
// comes.
struct LargeWindow {
  World world{read_source("bench/dataflows/large.yaml")};
  std::size_t keys;
  std::int64_t hour_ms;

  explicit LargeWindow(std::size_t keys_)
      : keys(keys_), hour_ms((world.clock.now().ms / kHourMs - 1) * kHourMs) {
    const auto engine = world.open_engine(0);
    const log::TopicInfo topic = must(world.store->topic("uses"));
    for (std::size_t i = 0; i < keys;) {
      log::Commit commit;
      commit.appends.push_back({topic.id, 0, {}});
      for (const std::size_t end = std::min(keys, i + kBatchRecords); i < end; ++i) {
        commit.appends[0].batch.add(world.clock.now(), std::nullopt, use_json(i, hour_ms));
      }
      must(world.store->commit(std::move(commit)));
    }
    run_until_idle(*engine);
    check_open(*engine);
  }

  void check_open(const runtime::Engine& engine) const {
    const auto stats = engine.stats();
    if (stats.services.at(0).states.at(0).rows != keys) {
      throw std::runtime_error("the large window has not all of its keys");
    }
  }
};

// --- Memory --------------------------------------------------------------------------------------

// What the process occupies, without what is free in its heap.
std::size_t resident_bytes() {
  ::malloc_trim(0);
  std::ifstream in("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  in >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// What goes when an engine with its window goes, the store staying. The engine has had time to give
// back what it needed to work off the topic.
Body prepare_memory(const Setting& setting) {
  use_all_cores();
  auto large = std::make_shared<LargeWindow>(keys_of(setting));
  return [large] {
    large->world.open_store();
    auto engine = large->world.open_engine_afresh(0);
    engine->start();
    while (engine->stats().services.at(0).records_in < large->keys) {
      std::this_thread::sleep_for(milliseconds(10));
    }
    std::this_thread::sleep_for(milliseconds(1'000));
    engine->stop();
    large->check_open(*engine);
    const std::size_t before = resident_bytes();
    engine.reset();
    const std::size_t after = resident_bytes();
    return std::vector{Sample{(static_cast<double>(before) - static_cast<double>(after)) /
                              static_cast<double>(large->keys)}};
  };
}

// --- What happens beside it ----------------------------------------------------------------------

// Threads that do one thing again and again, and how long each time took.
class Loops {
 public:
  Loops() = default;
  ~Loops() { join(); }
  Loops(const Loops&) = delete;
  Loops& operator=(const Loops&) = delete;

  // `again` returns when it is done. Times are kept of what ends after the last reset().
  std::size_t start(std::function<void()> again, milliseconds pause) {
    const std::size_t number = seconds_.size();
    seconds_.emplace_back();
    threads_.emplace_back([this, number, again = std::move(again), pause] {
      try {
        while (!stopping_) {
          const double seconds = seconds_of(again);
          {
            const std::lock_guard lock(mutex_);
            seconds_[number].push_back(seconds);
          }
          if (pause.count() > 0) std::this_thread::sleep_for(pause);
        }
      } catch (...) {
        const std::lock_guard lock(mutex_);
        failure_ = std::current_exception();
      }
    });
    return number;
  }

  void reset() {
    const std::lock_guard lock(mutex_);
    for (auto& seconds : seconds_) seconds.clear();
  }

  // Each loop ends its last time; throws what one of them has thrown.
  void stop() {
    join();
    if (failure_) std::rethrow_exception(failure_);
  }

  // After stop().
  double ms(std::size_t loop, double p) const {
    if (seconds_.at(loop).empty()) throw std::runtime_error("a loop has never come round");
    return percentile(seconds_[loop], p) * 1e3;
  }

 private:
  void join() {
    stopping_ = true;
    threads_.clear();
  }

  std::mutex mutex_;
  std::deque<std::vector<double>> seconds_;
  std::exception_ptr failure_;
  std::atomic<bool> stopping_ = false;
  std::vector<std::jthread> threads_;
};

void wait_for_records(const World& world, std::string_view topic, std::uint64_t count) {
  while (world.records(topic) < count) std::this_thread::sleep_for(milliseconds(1));
}

std::string produce_request(std::string_view topic, std::string_view body) {
  return post_request(fmt::format("/topics/{}/records", topic), "application/x-ndjson", body);
}

// A record of the service `probe`, from sending it to its result. The second record closes the
// window of the first, in the same epoch, so each probe has a result of its own; it opens one that
// the next probe closes.
std::function<void()> probe(const LargeWindow& large, const Serving& serving) {
  return [&world = large.world, client = std::make_shared<Client>(serving.port())] {
    const std::uint64_t results = world.records("probe-results");
    const std::int64_t now = world.clock.now().ms;
    client->exchange(
        produce_request("probes", use_json(1, now - 1) + "\n" + use_json(1, now) + "\n"));
    wait_for_records(world, "probe-results", results + 1);
  };
}

std::function<void()> query(const Serving& serving, std::string_view sql) {
  return [client = std::make_shared<Client>(serving.port()),
          request = post_request("/sql", "text/plain", sql)] {
    try {
      client->exchange(request);
    } catch (const std::runtime_error& error) {
      // Its limit of time is no failure of ours: it has waited, and that is what is measured.
      if (std::string_view(error.what()).find("sql_limit") == std::string_view::npos) throw;
    }
  };
}

std::function<void()> produce(const Serving& serving, std::string_view topic, std::string body) {
  return [client = std::make_shared<Client>(serving.port()),
          request = produce_request(topic, body)] { client->exchange(request); };
}

// The large window closes; three loops beside it have their longest waits.
Body prepare_large_window(const Setting& setting) {
  use_all_cores();
  return [keys = keys_of(setting)] {
    LargeWindow large(keys);
    Serving serving(large.world);
    Loops loops;
    const std::size_t other = loops.start(probe(large, serving), milliseconds(2));
    const std::size_t by_key = loops.start(
        query(serving, "select count from per_user where _key = 'user00000017'"), milliseconds(2));
    const std::size_t producer =
        loops.start(produce(serving, "notes", R"({"hello":"world"})"), milliseconds(2));
    std::this_thread::sleep_for(milliseconds(300));

    loops.reset();
    Client client(serving.port());
    client.exchange(produce_request("uses", use_json(0, large.world.clock.now().ms)));
    wait_for_records(large.world, "uses-per-hour", 1);
    std::this_thread::sleep_for(milliseconds(200));
    loops.stop();
    return std::vector{Sample{loops.ms(other, 1)}, Sample{loops.ms(by_key, 1)},
                       Sample{loops.ms(producer, 1)}};
  };
}

// --- SQL beside it -------------------------------------------------------------------------------

constexpr std::size_t kSqlLoops = 4;

// Epochs run here, one after the other, and are timed: those that had something to do.
class TimedEpochs {
 public:
  explicit TimedEpochs(runtime::Engine& engine) : thread_([this, &engine] { run(engine); }) {}
  ~TimedEpochs() { stopping_ = true; }
  TimedEpochs(const TimedEpochs&) = delete;
  TimedEpochs& operator=(const TimedEpochs&) = delete;

  void reset() {
    const std::lock_guard lock(mutex_);
    seconds_.clear();
  }
  // The one that is running counts with its time so far.
  double ms(double p) const {
    const std::lock_guard lock(mutex_);
    if (failure_) std::rethrow_exception(failure_);
    std::vector<double> all = seconds_;
    if (started_) all.push_back(seconds_since(*started_));
    if (all.empty()) throw std::runtime_error("there was no epoch");
    return percentile(std::move(all), p) * 1e3;
  }

 private:
  static double seconds_since(steady_clock::time_point start) {
    return std::chrono::duration<double>(steady_clock::now() - start).count();
  }

  void run(runtime::Engine& engine) try {
    while (!stopping_) {
      set_started(steady_clock::now());
      const auto result = must(engine.run_epoch());
      const bool idle = result == runtime::EpochResult::kIdle;
      {
        const std::lock_guard lock(mutex_);
        if (!idle) seconds_.push_back(seconds_since(*started_));
        started_.reset();
      }
      if (idle) std::this_thread::sleep_for(std::chrono::microseconds(500));
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    failure_ = std::current_exception();
    started_.reset();
  }

  void set_started(steady_clock::time_point now) {
    const std::lock_guard lock(mutex_);
    started_ = now;
  }

  mutable std::mutex mutex_;
  std::vector<double> seconds_;
  std::optional<steady_clock::time_point> started_;
  std::exception_ptr failure_;
  std::atomic<bool> stopping_ = false;
  std::jthread thread_;  // last: it uses the others
};

struct Latencies {
  double epoch_ms = 0, producer_ms = 0;  // p99
};

// A producer sends 100 records of the large window's keys every 10 ms, and `sql_loops` ask.
Latencies measure_latencies(LargeWindow& large, Serving& serving, TimedEpochs& epochs,
                            std::size_t sql_loops, milliseconds time) {
  std::mt19937_64 random(1);
  std::string body;
  for (std::size_t i = 0; i < 100; ++i)
    body += use_json(random() % large.keys, large.hour_ms) + "\n";
  Loops loops;
  const std::size_t producer =
      loops.start(produce(serving, "uses", std::move(body)), milliseconds(10));
  for (std::size_t i = 0; i < sql_loops; ++i) {
    loops.start(query(serving, "select 1 from per_user limit 1"), milliseconds(0));
  }
  std::this_thread::sleep_for(time / 10);
  loops.reset();
  epochs.reset();
  std::this_thread::sleep_for(time);
  const double epoch_ms = epochs.ms(0.99);
  loops.stop();
  return {epoch_ms, loops.ms(producer, 0.99)};
}

Body prepare_sql_load(const Setting& setting) {
  use_all_cores();
  struct State {
    explicit State(std::size_t keys) : large(keys) {}
    LargeWindow large;
    Serving serving{large.world, Serving::Epochs::kByCase};
    TimedEpochs epochs{serving.engine()};
  };
  auto state = std::make_shared<State>(keys_of(setting));
  return [state, time = milliseconds(setting.quick ? 300 : 3'000)] {
    const auto measure = [&](std::size_t sql_loops) {
      return measure_latencies(state->large, state->serving, state->epochs, sql_loops, time);
    };
    const Latencies quiet = measure(0);
    const Latencies loaded = measure(kSqlLoops);
    return std::vector{Sample{loaded.epoch_ms, loaded.epoch_ms / quiet.epoch_ms},
                       Sample{loaded.producer_ms, loaded.producer_ms / quiet.producer_ms}};
  };
}

}  // namespace

void add_large_cases(Cases& cases) {
  using enum Target::Better;
  const Target wait_ms{kLower, 200, 50};
  const Target doubled{kLower, 2, std::nullopt};
  cases.push_back({.name = "engine/memory-per-key",
                   .figures = {{"", "B", "", Target{kLower, 80, 48}}},
                   .repetitions = 3,
                   .prepare = prepare_memory});
  cases.push_back({.name = "engine/large-window",
                   .figures = {{"/other-service", "ms", "", wait_ms},
                               {"/query", "ms", "", wait_ms},
                               {"/producer", "ms", "", wait_ms}},
                   .repetitions = 3,
                   .prepare = prepare_large_window});
  cases.push_back({.name = "engine/sql-load",
                   .figures = {{"/epoch-p99", "ms", "without SQL", doubled},
                               {"/producer-p99", "ms", "without SQL", doubled}},
                   .repetitions = 3,
                   .prepare = prepare_sql_load});
}

}  // namespace gameflow::bench
