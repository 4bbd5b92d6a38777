#include "runtime/epoch_runner.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <iterator>
#include <new>
#include <span>
#include <utility>

#include <malloc.h>

#include "base/memory_reserve.h"
#include "state/layout.h"
#include "window/watermark.h"

namespace gameflow::runtime {
namespace {

using SteadyClock = std::chrono::steady_clock;

// An epoch of so many bytes of input is part of a backlog: what it takes in memory is worth giving
// back when that is worked off.
constexpr std::size_t kLargeBytes = 16U << 20;

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

std::vector<std::unique_ptr<ServiceTask>> make_tasks(const plan::Graph& graph,
                                                     std::vector<Service> services,
                                                     std::size_t rows_flushed_at_once) {
  std::vector<std::unique_ptr<ServiceTask>> tasks;
  for (std::size_t i = 0; i < services.size(); ++i) {
    tasks.push_back(
        std::make_unique<ServiceTask>(graph, std::move(services[i]), i, rows_flushed_at_once));
  }
  return tasks;
}

std::vector<std::string> names_of(const plan::Graph& graph) {
  std::vector<std::string> names;
  for (const plan::Service& service : graph.services) names.push_back(service.name);
  return names;
}

std::vector<std::uint64_t> state_bytes(std::span<const std::unique_ptr<ServiceTask>> tasks) {
  std::vector<std::uint64_t> bytes;
  for (const auto& task : tasks) bytes.push_back(task->windows().bytes());
  return bytes;
}

bool feeds(const Service& from, const Service& to) {
  return std::ranges::any_of(to.inputs,
                             [&from](const Input& input) { return from.writes(input.topic); });
}

// Services that get the same records.
void mark_sharing(std::span<ServiceEpoch> services) {
  for (std::size_t one = 0; one < services.size(); ++one) {
    if (services[one].deliveries.empty()) continue;
    for (std::size_t other = 0; other < one; ++other) {
      if (are_alike(services[one].deliveries, services[other].deliveries))
        services[one].shares_keys = services[other].shares_keys = true;
    }
  }
}

}  // namespace

EpochRunner::EpochRunner(const plan::Graph& graph, std::vector<Service> services, log::Store& store,
                         const Limits& limits, std::function<void()> flushed)
    : store_(store),
      pool_(limits.threads),
      workers_(limits.threads),
      tables_(services, tasks_),
      tasks_(make_tasks(graph, std::move(services), limits.rows_flushed_at_once)),
      flushes_(tasks_.size(), limits.threads, std::move(flushed)),
      intake_(store, pool_, limits.epoch_bytes_small),
      hold_(limits.memory, names_of(graph)) {}

Status EpochRunner::restore(Look look) {
  log::Commit commit;
  std::vector<VisibleChanges> visible(tasks_.size());
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    GF_TRY(tasks_[i]->restore(store_, look.now, look.attention, flushes_, commit, visible[i]));
  }
  if (!commit.put.empty()) GF_TRY(store_.commit(std::move(commit)));
  tables_.publish(std::move(visible));
  hold_.look(state_bytes(tasks_));
  return {};
}

Result<EpochResult> EpochRunner::run(Look look, std::size_t bytes_max, bool input_ends) {
  if (is_half_shown_) {
    return fail(ErrorCode::kMemoryFull,
                "there was no memory left to show an epoch that is stored: restart gameflow, which "
                "loses nothing");
  }
  Epoch epoch{
      .now = look.now, .attention = look.attention, .services = {}, .readings = {}, .seconds = {}};
  epoch.services.resize(tasks_.size());
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    tasks_[i]->begin(flushes_, epoch.services[i]);
    epoch.services[i].is_held = hold_.holds(i);
  }
  const Status computed = compute(epoch, bytes_max, input_ends);
  if (computed) {
    show(epoch);
  } else {
    for (const auto& task : tasks_) task->revert(epoch.attention);
  }
  tables_.end();
  was_large_ = was_large_ || epoch.bytes > kLargeBytes ||
               std::ranges::any_of(epoch.services, &ServiceEpoch::closes_much);
  memory_.reset();
  if (!computed && computed.error().code == ErrorCode::kMemoryFull) {
    memory_.release();
    hold_.ran_out();
  }
  hold_.look(state_bytes(tasks_));
  if (!computed) return fail(computed.error());
  return epoch.has_work() ? EpochResult::kCommitted : EpochResult::kIdle;
}

// All of it up to the commit, which is the last thing that may fail.
Status EpochRunner::compute(Epoch& epoch, std::size_t bytes_max, bool input_ends) {
  try {
    const CanRunOut scope;
    {
      const Stopwatch watch(epoch.seconds.read);
      GF_TRY(intake_.read(tasks_, hold_.input_bytes_max(bytes_max), memory_, epoch));
    }
    run_steps_of(epoch);
    advance(epoch, input_ends);
    if (!epoch.has_work()) return {};
    tables_.begin();
    update(epoch);
    flush(epoch);
    return commit(epoch);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kMemoryFull, "an epoch needs more memory than there is");
  }
}

void EpochRunner::run_steps_of(Epoch& epoch) {
  const Stopwatch watch(epoch.seconds.decode);
  pool_.for_each(
      epoch.readings.size(), intake_.was_small(), [&](std::uint32_t number, std::size_t i) {
        Worker& worker = workers_[number];
        Epoch::Reading& reading = epoch.readings[i];
        reading.chunk->decode(std::move(reading.source), worker.decoder);
        worker.scratch.takers.clear();
        for (const auto& [service, delivery] : reading.deliveries) {
          const ServiceTask& task = *tasks_[service];
          worker.scratch.takers.push_back({&task.service(), task.positions().closed_until,
                                           epoch.now + task.service().future_max + Duration{1},
                                           delivery});
        }
        run_steps(*reading.chunk, worker.scratch);
      });
}

void EpochRunner::advance(Epoch& epoch, bool input_ends) {
  for (std::size_t i = 0; i < tasks_.size(); ++i)
    tasks_[i]->advance(epoch, flushes_, epoch.services[i]);
  while (input_ends && !epoch.has_work() && end_next(epoch)) {
  }
}

// The end of input goes downstream: a service ends when all that feed it, directly or not, have
// ended, and what they wrote is read. Those that feed each other end together. False: all have
// ended.
bool EpochRunner::end_next(Epoch& epoch) {
  std::vector<std::size_t> left;
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    if (epoch.services[i].after.watermark.value() != window::kEndOfTime) left.push_back(i);
  }
  std::vector<std::set<std::size_t>> fed(tasks_.size());  // by those of `left`
  for (const std::size_t i : left) fed[i] = fed_by(i, left);
  const auto ends = [&](std::size_t i) {
    return std::ranges::all_of(
        left, [&](std::size_t other) { return !fed[other].contains(i) || fed[i].contains(other); });
  };
  for (const std::size_t i : left) {
    if (ends(i)) tasks_[i]->finish(epoch, flushes_, epoch.services[i]);
  }
  return !left.empty();
}

// Those of `among` that the service feeds, directly or not.
std::set<std::size_t> EpochRunner::fed_by(std::size_t service,
                                          const std::vector<std::size_t>& among) const {
  std::set<std::size_t> fed;
  std::vector<std::size_t> open{service};
  while (!open.empty()) {
    const Service& from = tasks_[open.back()]->service();
    open.pop_back();
    for (const std::size_t to : among) {
      if (feeds(from, tasks_[to]->service()) && fed.insert(to).second) open.push_back(to);
    }
  }
  return fed;
}

void EpochRunner::update(Epoch& epoch) {
  const Stopwatch watch(epoch.seconds.update);
  struct Work {
    std::size_t service;
    std::uint32_t shard;
  };
  std::vector<Work> work;
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    if (const auto& keyed = tasks_[i]->service().keyed)
      epoch.services[i].rows.resize(pool_.size(), RowValues(keyed->layout));
    for (std::uint64_t left = epoch.services[i].shards; left != 0; left &= left - 1)
      work.push_back({i, static_cast<std::uint32_t>(std::countr_zero(left))});
  }
  mark_sharing(epoch.services);
  for (Worker& worker : workers_) worker.update.forget();
  // Services that begin alike get the same records of a shard one after the other.
  std::ranges::stable_sort(work, {}, &Work::shard);
  pool_.for_each(work.size(), intake_.was_small(), [&](std::uint32_t worker, std::size_t i) {
    const auto [service, shard] = work[i];
    tasks_[service]->windows().update_shard(shard, epoch.now, worker, workers_[worker].update,
                                            epoch.services[service]);
  });
}

void EpochRunner::flush(Epoch& epoch) {
  const Stopwatch watch(epoch.seconds.flush);
  std::vector<std::size_t> work;
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    if (epoch.services[i].flushes_now && !epoch.services[i].closing.empty()) work.push_back(i);
  }
  pool_.for_each(work.size(), false, [&](std::uint32_t, std::size_t i) {
    tasks_[work[i]]->windows().flush(epoch.services[work[i]]);
  });
}

Status EpochRunner::commit(Epoch& epoch) {
  const Stopwatch watch(epoch.seconds.commit);
  log::Commit commit;
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    if (epoch.services[i].has_work()) tasks_[i]->write(epoch, epoch.services[i], commit);
  }
  // What nobody has seen but queries is computed again where power loss takes it back.
  commit.is_repeatable = commit.appends.empty();
  GF_TRY(store_.commit(std::move(commit)));
  return {};
}

// What is stored becomes what is seen. There is no way back from here.
void EpochRunner::show(Epoch& epoch) {
  is_half_shown_ = true;
  std::vector<VisibleChanges> visible;
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    ServiceEpoch& part = epoch.services[i];
    if (part.has_work()) {
      tasks_[i]->commit(epoch, flushes_, part);
    } else {
      tasks_[i]->skip(part);
    }
    visible.push_back(std::move(part.visible));
  }
  if (epoch.has_work()) tables_.publish(std::move(visible));
  is_half_shown_ = false;
  if (!epoch.has_work()) return;
  ++epochs_;
  for (const auto phase : {&EpochSeconds::read, &EpochSeconds::decode, &EpochSeconds::update,
                           &EpochSeconds::flush, &EpochSeconds::commit}) {
    seconds_.*phase += epoch.seconds.*phase;
  }
}

EngineLoop::Next EpochRunner::next(EpochResult result) const {
  using enum EngineLoop::Next;
  if (result == EpochResult::kCommitted) return intake_.was_small() ? kAfterInterval : kAtOnce;
  const bool waits_for_time =
      std::ranges::any_of(tasks_, [](const auto& task) { return task->windows().count() != 0; });
  return waits_for_time ? kSoon : kLater;
}

EngineStats EpochRunner::stats(Duration attention) const {
  EngineStats stats{epochs_, seconds_, {}};
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    stats.services.push_back(tasks_[i]->stats(attention));
    stats.services.back().is_held = hold_.holds(i);
  }
  return stats;
}

// After 3 M events from disk 240 MB would stay, and 30 do.
void EpochRunner::release_memory() {
  if (!was_large_ || flushes_.is_busy()) return;
  was_large_ = false;
  memory_.release();
  for (const auto& task : tasks_) task->windows().release_memory();
  ::malloc_trim(0);
}

}  // namespace gameflow::runtime
