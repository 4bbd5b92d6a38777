#include "runtime/engine.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <new>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/control_groups.h"
#include "base/memory_reserve.h"
#include "base/mutex.h"
#include "runtime/loop.h"
#include "runtime/tables.h"
#include "state/layout.h"

namespace gameflow::runtime {
namespace {

// Dead letters are for people to look at: kept this long unless the dataflow declares the topic
// itself.
constexpr Duration kDeadLettersAge{7 * 86'400'000};
constexpr std::uint64_t kDeadLettersBytes = std::uint64_t{1} << 30;

// So much of a pause between two turns of the loop counts as looking for input. The rest is time
// in which the process stood still, and so did everybody who sends to it.
constexpr Duration kPauseCounted{500};

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

Status create_topics(const plan::Graph& graph, log::Store& store) {
  for (const plan::Topic& topic : graph.topics) {
    const log::TopicConfig wanted{topic.name, topic.partitions, topic.retention_age,
                                  topic.retention_bytes};
    if (const auto existing = store.topic(topic.name)) {
      GF_TRY(adjust_topic(existing->config, wanted, store));
    } else {
      GF_TRY(store.create_topic(wanted));
    }
  }
  const std::string& dead = graph.dead_letter_topic;
  if (graph.find_topic(dead) != nullptr || store.topic(dead)) return {};
  GF_TRY(store.create_topic({dead, 1, kDeadLettersAge, kDeadLettersBytes}));
  return {};
}

// Steady time that was spent looking for input, up to the moment for which the log is complete:
// what waits to be written, however long a disk takes, is not silence.
class Attention {
 public:
  explicit Attention(const Clock& clock) : clock_(clock), complete_at_(clock.steady()) {}

  // Looks again. The oldest record that is not in the log yet has waited for `waiting`; of a pause
  // since the last look `counted_max` counts.
  Duration look(Duration waiting, Duration counted_max) {
    const Duration complete_at = std::max(complete_at_, clock_.steady() - waiting);
    total_ = total_ + std::min(complete_at - complete_at_, counted_max);
    complete_at_ = complete_at;
    return total_;
  }
  Duration total() const { return total_; }

 private:
  const Clock& clock_;
  Duration complete_at_;
  Duration total_;
};

class EngineImpl final : public Engine {
 public:
  EngineImpl(std::shared_ptr<const plan::Graph> graph, std::vector<Service> services,
             log::Store& store, const Options& options)
      : graph_(std::move(graph)),
        store_(store),
        options_(options),
        attention_(*options.clock),
        runner_(*graph_, std::move(services), store,
                {options.threads,
                 options.rows_flushed_at_once,
                 {options.epoch_bytes_max, options.epoch_bytes_small},
                 options.memory,
                 options.takes_over},
                [this] { loop_.wake(); }) {
    listener_ = store_.listen([this](log::TopicId) { loop_.wake(); });
  }

  ~EngineImpl() override {
    loop_.stop();
    store_.unlisten(listener_);
  }

  Status restore() {
    try {
      const CanRunOut scope;
      GF_TRY(runner_.restore({options_.clock->now(), attention_.total()}, options_.forgetting));
      publish_stats();
      return {};
    } catch (const std::bad_alloc&) {
      return fail(
          ErrorCode::kMemoryFull,
          "the stored state does not fit into memory: give the process more of it, or start "
          "with --clear-state SERVICE, which throws away what a service has counted");
    }
  }

  Result<EpochResult> run_epoch() override {
    runner_.wait_for_flushes();
    return run_epoch(Duration{INT64_MAX});
  }

  void end_input() override { input_ends_ = true; }

  void start() override {
    loop_.start([this] { return turn(); }, std::chrono::milliseconds(options_.epoch_interval.ms));
  }
  void stop() override { loop_.stop(); }
  Status health() const override { return loop_.health(); }

  EngineStats stats() const override {
    EngineStats stats = *latest_stats();
    std::map<std::string, log::TopicInfo> topics;
    for (const log::TopicInfo& info : store_.topics()) topics.emplace(info.config.name, info);
    for (ServiceStats& service : stats.services) {
      for (PartitionStats& partition : service.partitions) {
        const auto topic = topics.find(partition.topic);
        if (topic != topics.end())
          partition.end_offset = topic->second.partitions[partition.partition].end.value;
      }
    }
    return stats;
  }

  const plan::Graph& graph() const override { return *graph_; }

  std::vector<TableName> tables() const override { return runner_.tables().names(); }
  std::vector<query::Table> schemas() const override { return runner_.tables().schemas(); }
  std::shared_ptr<const query::Tables> view(
      std::chrono::steady_clock::time_point deadline) const override {
    return runner_.tables().view(deadline);
  }
  std::vector<std::uint64_t> changes() const override { return runner_.tables().changes(); }

 private:
  Result<EpochResult> run_epoch(Duration pause_counted) {
    const auto waiting = static_cast<std::int64_t>(store_.stats().queue_seconds * 1'000);
    const EpochRunner::Look look{options_.clock->now(), attention_.look({waiting}, pause_counted)};
    auto result = runner_.run(look, input_ends_);
    publish_stats();
    return result;
  }

  Result<EngineLoop::Next> turn() {
    GF_TRY(store_.health());
    GF_ASSIGN(const EpochResult result, run_epoch(kPauseCounted));
    if (result == EpochResult::kIdle) runner_.release_memory();
    return runner_.next(result);
  }

  void publish_stats() {
    auto stats = std::make_shared<const EngineStats>(runner_.stats(attention_.total()));
    const MutexLock lock(stats_mutex_);
    stats_.swap(stats);
  }
  std::shared_ptr<const EngineStats> latest_stats() const {
    const MutexLock lock(stats_mutex_);
    return stats_;
  }

  const std::shared_ptr<const plan::Graph> graph_;
  log::Store& store_;
  const Options options_;
  Attention attention_;  // of the thread that runs epochs
  std::atomic<bool> input_ends_{false};
  // Not std::atomic<std::shared_ptr>: libstdc++ 12 orders its load() too weakly.
  mutable Mutex stats_mutex_;
  std::shared_ptr<const EngineStats> stats_ GF_GUARDED_BY(stats_mutex_);
  log::Store::ListenerId listener_ = 0;
  EngineLoop loop_;
  EpochRunner runner_;  // its flushes wake the loop
};

}  // namespace

Result<std::unique_ptr<Engine>> Engine::open(std::shared_ptr<const plan::Graph> graph,
                                             const plan::Functions& functions, log::Store& store,
                                             const Options& options) {
  Options filled = options;
  if (filled.threads == 0) filled.threads = usable_cores();
  filled.threads = std::min(filled.threads, state::kShards);
  GF_TRY(create_topics(*graph, store));
  std::vector<Service> services;
  for (plan::ServiceId id = 0; id < graph->services.size(); ++id) {
    GF_ASSIGN(Service service, bind_service(*graph, id, functions, store));
    services.push_back(std::move(service));
  }
  auto engine = std::make_unique<EngineImpl>(std::move(graph), std::move(services), store, filled);
  GF_TRY(engine->restore());
  return engine;
}

}  // namespace gameflow::runtime
