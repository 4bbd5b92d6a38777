#include "runtime/engine.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <malloc.h>
#include <spdlog/spdlog.h>

#include "runtime/service_runner.h"
#include "runtime/worker_pool.h"

namespace gameflow::runtime {
namespace {

using SteadyClock = std::chrono::steady_clock;

// How long the loop sleeps when nobody wakes it: time passes and windows close without input, too.
constexpr std::chrono::milliseconds kTickOpenWindows{50};
constexpr std::chrono::milliseconds kTickQuiet{500};
constexpr std::chrono::milliseconds kRetryAfterFailure{250};

// An epoch of so many bytes, of input or of windows that close, is part of a backlog or of a wave
// of players: what it takes in memory is worth giving back.
constexpr std::size_t kLargeBytes = 16U << 20;

// Dead letters are for people to look at: kept this long unless the dataflow declares the topic
// itself.
constexpr Duration kDeadLettersAge{7 * 86'400'000};
constexpr std::uint64_t kDeadLettersBytes = std::uint64_t{1} << 30;

// Adds the time from its making to its end to `total`.
class Stopwatch {
 public:
  explicit Stopwatch(double& total) : total_(total), begin_(SteadyClock::now()) {}
  ~Stopwatch() { total_ += std::chrono::duration<double>(SteadyClock::now() - begin_).count(); }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  double& total_;
  SteadyClock::time_point begin_;
};

// Makes a topic of the dataflow be as the dataflow says, where it can.
Status adjust_topic(const log::TopicConfig& existing, const log::TopicConfig& wanted,
                    log::Store& store) {
  if (existing.partitions != wanted.partitions) {
    spdlog::warn(
        "topic '{}' has {} partitions, the dataflow asks for {}: keeping it as it is (keys would "
        "move); delete the topic to change that",
        wanted.name, existing.partitions, wanted.partitions);
  }
  if (existing.retention() == wanted.retention()) return {};
  GF_TRY(store.set_retention(wanted.name, wanted.retention()));
  spdlog::info("topic '{}': its retention is now that of the dataflow", wanted.name);
  return {};
}

Status create_topics(const plan::Plan& plan, log::Store& store) {
  for (const spec::Topic& topic : plan.dataflow->topics) {
    const log::TopicConfig wanted{topic.name, topic.partitions, topic.retention_age,
                                  topic.retention_bytes};
    if (const auto existing = store.topic(topic.name)) {
      GF_TRY(adjust_topic(existing->config, wanted, store));
    } else {
      GF_TRY(store.create_topic(wanted));
    }
  }
  const std::string& dead = plan.dataflow->dead_letter_topic;
  if (plan.dataflow->find_topic(dead) != nullptr || store.topic(dead)) return {};
  GF_TRY(store.create_topic({dead, 1, kDeadLettersAge, kDeadLettersBytes}));
  return {};
}

// Worker threads, each with what it needs for itself.
struct Worker {
  record::Decoder decoder;
  ShardUpdate update;
};

class EngineImpl final : public Engine {
 public:
  EngineImpl(plan::Plan plan, const abi::Library* functions, log::Store& store,
             const Options& options)
      : plan_(std::move(plan)),
        store_(store),
        options_(options),
        pool_(options.threads),
        workers_(options.threads) {
    for (std::size_t i = 0; i < plan_.services.size(); ++i) {
      services_.push_back(
          std::make_unique<ServiceRunner>(plan_, i, functions->services[i], store_));
    }
    listener_ = store_.listen([this](log::TopicId) { wake(); });
  }

  ~EngineImpl() override {
    stop();
    store_.unlisten(listener_);
  }

  Status restore() {
    const Timestamp now = options_.clock->now();
    log::Commit commit;
    for (const auto& service : services_) {
      GF_TRY(service->restore(now));
      if (service->has_new_input()) service->add_state(commit);
    }
    if (commit.put.empty()) return {};
    GF_TRY(store_.commit(std::move(commit)));
    return {};
  }

  Result<EpochResult> run_epoch() override {
    if (needs_restore_) {
      const auto lock = std::unique_lock(state_mutex_);
      GF_TRY(restore());
      needs_restore_ = false;
    }
    running_ = {};
    for (const auto& service : services_) service->forget_epoch();
    GF_TRY(read());
    auto result = process();
    while (readers_waiting_.load() > 0)
      std::this_thread::yield();  // a busy loop must not starve them of the lock
    return result;
  }

  void end_input() override { input_ends_ = true; }

  void start() override {
    if (loop_.joinable()) return;
    stopping_ = false;
    loop_ = std::thread([this] { run_loop(); });
  }

  void stop() override {
    if (!loop_.joinable()) return;
    {
      const std::lock_guard lock(wake_mutex_);
      stopping_ = true;
    }
    wake_condition_.notify_all();
    loop_.join();
  }

  Status health() const override {
    const std::lock_guard lock(health_mutex_);
    return health_;
  }

  EngineStats stats() const override {
    const auto lock = lock_state();
    const Timestamp now = options_.clock->now();
    EngineStats stats{epochs_, seconds_, {}};
    for (const auto& service : services_) stats.services.push_back(service->stats(now));
    return stats;
  }

  const plan::Plan& plan() const override { return plan_; }

  std::vector<TableName> tables() const override {
    std::vector<TableName> tables;
    for (const plan::ServicePlan& service : plan_.services) {
      for (const plan::StatePlan& state : service.states) {
        tables.push_back({is_shared(state.table) ? service.scope + "__" + state.table : state.table,
                          service.spec->name, state.name});
      }
    }
    return tables;
  }

  Result<StateSnapshot> snapshot(std::string_view table) const override {
    const auto names = tables();
    std::size_t index = 0;
    for (const auto& service : services_) {
      for (std::size_t state = 0; state < service->plan().states.size(); ++state, ++index) {
        if (names[index].table != table) continue;
        const auto lock = lock_state();
        return service->snapshot(state, names[index].table);
      }
    }
    std::vector<std::string_view> candidates;
    candidates.reserve(names.size());
    for (const TableName& name : names) candidates.push_back(name.table);
    const std::string_view guess = spec::closest(table, candidates);
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("there is no state '{}'{}", table,
                    guess.empty() ? fmt::format("; there are: {}", fmt::join(candidates, ", "))
                                  : fmt::format("; did you mean '{}'?", guess)));
  }

 private:
  // Every input gets an equal share of the epoch; what some leave goes, once, to those that have
  // more.
  Status read() {
    const Stopwatch watch(running_.read);
    std::vector<Input> inputs;
    for (const auto& service : services_) {
      for (std::size_t input = 0; input < service->input_count(); ++input)
        inputs.push_back({service.get(), input});
    }
    const std::size_t share = options_.epoch_bytes_max / std::max<std::size_t>(1, inputs.size());
    GF_TRY(read(inputs, share));
    const std::size_t left =
        options_.epoch_bytes_max - std::min(options_.epoch_bytes_max, fetched_bytes());
    // A read stops before the batch that would go over: who has taken half of its share may have
    // more.
    std::erase_if(
        inputs, [share](const Input& i) { return i.service->fetched_bytes(i.number) < share / 2; });
    if (left >= share && !inputs.empty()) GF_TRY(read(inputs, left / inputs.size()));
    epoch_bytes_ = fetched_bytes();
    return {};
  }

  std::size_t fetched_bytes() const {
    std::size_t bytes = 0;
    for (const auto& service : services_) {
      for (std::size_t input = 0; input < service->input_count(); ++input)
        bytes += service->fetched_bytes(input);
    }
    return bytes;
  }

  struct Input {
    ServiceRunner* service;
    std::size_t number;
  };
  Status read(const std::vector<Input>& inputs, std::size_t bytes_max) {
    std::vector<Status> statuses(inputs.size());
    pool_.for_each(inputs.size(), [&](std::uint32_t, std::size_t i) {
      statuses[i] = inputs[i].service->read(inputs[i].number, bytes_max);
    });
    for (Status& status : statuses) GF_TRY(std::move(status));
    return {};
  }

  Result<EpochResult> process() {
    const Timestamp now = options_.clock->now();
    decode(now);
    // From here on what queries see changes.
    const auto lock = std::unique_lock(state_mutex_);
    for (const auto& service : services_) service->merge(now);
    if (input_ends_) finish();
    if (!has_work()) return EpochResult::kIdle;
    update();
    flush();
    if (Status committed = commit(); !committed) {
      // What is in memory is ahead of the store: go back to what it holds. If even that fails, the
      // next epoch tries.
      needs_restore_ = !restore();
      return fail(std::move(committed).error());
    }
    for (const auto& service : services_) closed_bytes_ += service->committed();
    ++epochs_;
    for (const auto phase : {&EpochSeconds::read, &EpochSeconds::decode, &EpochSeconds::update,
                             &EpochSeconds::flush, &EpochSeconds::commit}) {
      seconds_.*phase += running_.*phase;
    }
    return EpochResult::kCommitted;
  }

  bool has_work() const {
    return std::ranges::any_of(services_, [](const auto& s) { return s->has_work(); });
  }

  // The end of input goes downstream: a service ends when those that feed it have ended, and what
  // they wrote is read. Those that feed each other end together.
  void finish() {
    while (!has_work()) {
      std::vector<ServiceRunner*> left, ready;
      for (const auto& service : services_) {
        if (!service->is_finished()) left.push_back(service.get());
      }
      if (left.empty()) return;
      std::ranges::copy_if(left, std::back_inserter(ready), [&left](const ServiceRunner* service) {
        return std::ranges::none_of(
            left, [service](const ServiceRunner* other) { return other->feeds(*service); });
      });
      for (ServiceRunner* service : ready.empty() ? left : ready) service->finish();
    }
  }

  void decode(Timestamp now) {
    const Stopwatch watch(running_.decode);
    std::vector<std::pair<ServiceRunner*, std::size_t>> slices;
    for (const auto& service : services_) {
      const std::size_t count = service->make_slices(now);
      for (std::size_t slice = 0; slice < count; ++slice) slices.emplace_back(service.get(), slice);
    }
    pool_.for_each(slices.size(), [&](std::uint32_t worker, std::size_t i) {
      slices[i].first->run_slice(slices[i].second, workers_[worker].decoder);
    });
  }

  void update() {
    const Stopwatch watch(running_.update);
    pool_.for_each(services_.size() * state::kShards, [&](std::uint32_t worker, std::size_t i) {
      services_[i / state::kShards]->update_shard(static_cast<std::uint32_t>(i % state::kShards),
                                                  workers_[worker].update);
    });
  }

  void flush() {
    const Stopwatch watch(running_.flush);
    pool_.for_each(services_.size(), [&](std::uint32_t, std::size_t i) { services_[i]->flush(); });
  }

  Status commit() {
    const Stopwatch watch(running_.commit);
    log::Commit commit;
    for (const auto& service : services_) {
      if (service->has_work()) service->add_to(commit);
    }
    GF_TRY(store_.commit(std::move(commit)));
    return {};
  }

  void run_loop() {
    while (!is_stopping()) {
      const Status store = store_.health();
      const auto result = store ? run_epoch() : Result<EpochResult>(fail(store.error()));
      set_health(result ? Status{} : Status(fail(result.error())));
      if (result) release_memory();
      if (!result) {
        wait(kRetryAfterFailure, true);
      } else if (*result == EpochResult::kIdle) {
        const bool open =
            std::ranges::any_of(services_, [](const auto& s) { return s->has_open_windows(); });
        wait(open ? kTickOpenWindows : kTickQuiet, false);
      }
    }
  }

  // When a backlog is worked off, or large windows have closed, what that took goes back to the
  // system: after 3 M events from disk 240 MB would stay, and 30 do.
  void release_memory() {
    if (epoch_bytes_ > kLargeBytes || closed_bytes_ > kLargeBytes) was_large_ = true;
    closed_bytes_ = 0;
    if (epoch_bytes_ > kLargeBytes / 8 || !std::exchange(was_large_, false)) return;
    for (const auto& service : services_) service->release_memory();
    ::malloc_trim(0);
  }

  bool is_stopping() {
    const std::lock_guard lock(wake_mutex_);
    return stopping_;
  }

  void wake() {
    {
      const std::lock_guard lock(wake_mutex_);
      has_news_ = true;
    }
    wake_condition_.notify_one();
  }

  // Sleeps for `time`, or until there is input (unless `regardless` of it) or stop().
  void wait(std::chrono::milliseconds time, bool regardless) {
    std::unique_lock lock(wake_mutex_);
    wake_condition_.wait_for(lock, time, [&] { return stopping_ || (has_news_ && !regardless); });
    has_news_ = false;
  }

  void set_health(Status status) {
    const std::lock_guard lock(health_mutex_);
    if (!status && (health_ || health_.error().message != status.error().message)) {
      spdlog::error("the dataflow makes no progress: {}; trying again", status.error().message);
    }
    if (status && !health_) spdlog::info("the dataflow goes on");
    health_ = std::move(status);
  }

  std::unique_lock<std::mutex> lock_state() const {
    ++readers_waiting_;
    std::unique_lock lock(state_mutex_);
    --readers_waiting_;
    return lock;
  }

  bool is_shared(std::string_view table) const {
    std::size_t count = 0;
    for (const plan::ServicePlan& service : plan_.services) {
      count += static_cast<std::size_t>(
          std::ranges::count(service.states, table, &plan::StatePlan::table));
    }
    return count > 1;
  }

  const plan::Plan plan_;
  log::Store& store_;
  const Options options_;
  WorkerPool pool_;
  std::vector<Worker> workers_;
  // What they hold of windows: guarded by state_mutex_.
  std::vector<std::unique_ptr<ServiceRunner>> services_;
  log::Store::ListenerId listener_ = 0;

  // Held while an epoch changes state, up to and including its commit.
  mutable std::mutex state_mutex_;
  mutable std::atomic<int> readers_waiting_{0};
  std::uint64_t epochs_ = 0;  // guarded by state_mutex_, as is seconds_
  EpochSeconds seconds_;
  EpochSeconds running_;  // of the epoch that is running: only the thread that runs it
  std::atomic<bool> input_ends_{false};
  bool needs_restore_ = false;  // only the thread that runs epochs; as are those below
  bool was_large_ = false;
  std::size_t epoch_bytes_ = 0;   // of input, of the last epoch
  std::size_t closed_bytes_ = 0;  // of windows that it closed or forgot

  std::thread loop_;
  std::mutex wake_mutex_;
  std::condition_variable wake_condition_;
  bool stopping_ = false, has_news_ = false;  // guarded by wake_mutex_

  mutable std::mutex health_mutex_;
  Status health_;  // guarded by health_mutex_
};

}  // namespace

Result<std::unique_ptr<Engine>> Engine::open(plan::Plan plan, const abi::Library* functions,
                                             log::Store& store, const Options& options) {
  if (functions->service_count != plan.services.size()) {
    return fail(ErrorCode::kLibraryInvalid, "the operator library is not of this dataflow");
  }
  Options filled = options;
  if (filled.threads == 0) filled.threads = std::max(1U, std::thread::hardware_concurrency());
  filled.threads = std::min(filled.threads, state::kShards);
  GF_TRY(create_topics(plan, store));
  auto engine = std::make_unique<EngineImpl>(std::move(plan), functions, store, filled);
  GF_TRY(engine->restore());
  return engine;
}

Status Engine::clear_state(const plan::Plan& plan, log::Store& store) {
  log::Commit commit;
  for (const plan::ServicePlan& service : plan.services) {
    const std::string key = service_key(service.spec->name);
    commit.erase.push_back({key, key + '\0'});
    commit.erase.push_back(segments_range(service.spec->name));
  }
  GF_TRY(store.commit(std::move(commit)));
  return {};
}

}  // namespace gameflow::runtime
