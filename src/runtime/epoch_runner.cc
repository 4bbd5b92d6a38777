#include "runtime/epoch_runner.h"

#include <algorithm>
#include <iterator>
#include <new>
#include <set>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <malloc.h>

#include "base/memory_reserve.h"
#include "base/stopwatch.h"
#include "runtime/output.h"
#include "state/layout.h"
#include "window/watermark.h"

namespace gameflow::runtime {
namespace {

// An epoch of so many bytes of input is part of a backlog: what it takes in memory is worth giving
// back when that is worked off.
constexpr std::size_t kLargeBytes = 16U << 20;

std::vector<std::unique_ptr<ServiceTask>> make_tasks(const plan::Graph& graph,
                                                     std::vector<Service> services,
                                                     std::size_t rows_flushed_at_once,
                                                     const RowSource& source) {
  std::vector<std::unique_ptr<ServiceTask>> tasks;
  for (std::size_t i = 0; i < services.size(); ++i) {
    tasks.push_back(std::make_unique<ServiceTask>(graph, std::move(services[i]), i,
                                                  rows_flushed_at_once, source));
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
  for (const auto& task : tasks)
    bytes.push_back(task->windows().bytes() +
                    (task->join() != nullptr ? task->join()->bytes() : 0));
  return bytes;
}

bool feeds(const Service& from, const Service& to) {
  return std::ranges::any_of(to.inputs,
                             [&from](const Input& input) { return from.writes(input.topic); });
}

// Services that stop where something fails have done nothing in this epoch, for nobody.
void stop_failed(std::span<const std::unique_ptr<ServiceTask>> tasks, Epoch& epoch) {
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    ServiceTask& task = *tasks[i];
    if (task.service().on_error != plan::ErrorPolicy::kFail || task.stopped()) continue;
    if (auto stop = first_failure(task.service(), epoch.services[i]))
      task.stop(std::move(*stop), epoch.attention, epoch.services[i]);
  }
}

// Those of `among` that the service feeds, directly or not.
std::set<std::size_t> fed_by(const std::vector<std::unique_ptr<ServiceTask>>& tasks,
                             std::size_t service, const std::vector<std::size_t>& among) {
  std::set<std::size_t> fed;
  std::vector<std::size_t> open{service};
  while (!open.empty()) {
    const Service& from = tasks[open.back()]->service();
    open.pop_back();
    for (const std::size_t to : among) {
      if (feeds(from, tasks[to]->service()) && fed.insert(to).second) open.push_back(to);
    }
  }
  return fed;
}

}  // namespace

EpochRunner::EpochRunner(const plan::Graph& graph, std::vector<Service> services, log::Store& store,
                         const Limits& limits, std::function<void()> flushed)
    : store_(store),
      pool_(limits.threads),
      tables_(graph, services, tasks_),
      rows_(graph, tasks_),
      tasks_(make_tasks(graph, std::move(services), limits.rows_flushed_at_once, rows_)),
      flushes_(tasks_.size(), limits.threads, std::move(flushed)),
      steps_(graph, tasks_, rows_, pool_),
      intake_(store, pool_, limits.input),
      hold_(limits.memory, names_of(graph)),
      schedules_(graph, limits.takes_over) {}

Status EpochRunner::restore(Look look, Forgetting* forgetting) {
  GF_TRY(rows_.sources().open(store_));
  tables_.show_sources(rows_.sources().all_rows());
  log::Commit commit;
  GF_TRY(schedules_.restore(store_, look.now, commit));
  std::vector<VisibleChanges> visible(tasks_.size());
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    GF_TRY(tasks_[i]->restore(store_, look.now, look.attention, flushes_, forgetting, commit,
                              visible[i]));
  }
  if (forgetting != nullptr) {
    // Who asked for it is told that it is done: it cannot wait for room on the disk.
    GF_TRY(store_.health());
    forgetting->note(commit);
  }
  if (!commit.put.empty() || !commit.erase.empty()) {
    // A full disk keeps nobody from starting: what is there can be read meanwhile.
    if (const Status health = store_.health();
        !health && health.error().code == ErrorCode::kDiskFull)
      condition_.unwritten = std::move(commit);
    else
      GF_TRY(store_.commit(std::move(commit)));
  }
  tables_.publish(std::move(visible));
  hold_.look(state_bytes(tasks_));
  return {};
}

Result<EpochResult> EpochRunner::run(Look look, bool input_ends) {
  if (condition_.is_half_shown) {
    return fail(ErrorCode::kMemoryFull,
                "there was no memory left to show an epoch that is stored: restart gameflow, which "
                "loses nothing");
  }
  if (const auto& unwritten = condition_.unwritten) {
    GF_TRY(store_.commit({.appends = {}, .erase = unwritten->erase, .put = unwritten->put}));
    condition_.unwritten.reset();
  }
  if (rows_.sources().refresh(store_)) tables_.show_sources(rows_.sources().all_rows());
  Epoch epoch{.now = look.now,
              .attention = look.attention,
              .services = {},
              .due = {},
              .readings = {},
              .seconds = {}};
  epoch.services.resize(tasks_.size());
  epoch.due = schedules_.due(look.now);
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    tasks_[i]->begin(flushes_, epoch.services[i]);
    epoch.services[i].is_held = hold_.holds(i) || flushes_.is_behind(i);
  }
  MemoryAllowance made(hold_.made_bytes_max());
  const Status computed = compute(epoch, input_ends, made);
  if (computed) {
    show(epoch);
  } else {
    for (const auto& task : tasks_) task->revert(epoch.attention);
  }
  tables_.end();
  intake_.note(epoch, made.taken());
  condition_.was_large = condition_.was_large || epoch.bytes > kLargeBytes ||
                         std::ranges::any_of(epoch.services, &ServiceEpoch::closes_much);
  memory_.reset();
  if (!computed && computed.error().code == ErrorCode::kMemoryFull)
    return ran_out(epoch, made, computed.error());
  hold_.look(state_bytes(tasks_));
  if (!computed) return fail(computed.error());
  hold_.fitted();
  return epoch.has_work() ? EpochResult::kCommitted : EpochResult::kIdle;
}

// Behind an epoch that was dropped for want of memory.
Result<EpochResult> EpochRunner::ran_out(const Epoch& epoch, const MemoryAllowance& made,
                                         Error error) {
  memory_.release();
  const bool is_too_large = made.ran_out() && hold_.made_too_much(epoch.bytes, made.bytes());
  if (!is_too_large) hold_.ran_out();
  hold_.look(state_bytes(tasks_));
  if (is_too_large) return EpochResult::kTooLarge;
  return fail(std::move(error));
}

// All of it up to the commit, which is the last thing that may fail.
Status EpochRunner::compute(Epoch& epoch, bool input_ends, MemoryAllowance& made) {
  try {
    const CanRunOut scope(&made);
    {
      const Stopwatch watch(epoch.seconds.read);
      GF_TRY(intake_.read(tasks_, hold_.input_bytes_max(), memory_, epoch));
    }
    for (std::uint32_t rank = 0; rank < steps_.ranks(); ++rank) {
      steps_.run(epoch, rank, intake_.was_small());
      advance(epoch, rank);
      change(epoch, rank);
    }
    if (input_ends && !epoch.has_work()) end(epoch);
    if (!epoch.has_work()) return {};
    steps_.flush(epoch);
    stop_failed(tasks_, epoch);
    return epoch.has_work() ? commit(epoch) : Status{};
  } catch (const std::bad_alloc&) {
    if (!made.ran_out())
      return fail(ErrorCode::kMemoryFull, "an epoch needs more memory than there is");
    return fail(
        ErrorCode::kMemoryFull,
        fmt::format("an epoch needs more memory than there is: of {} KiB of input functions made "
                    "more than {} MiB. Is there one that never stops, or whose lists grow with "
                    "each record?",
                    std::max<std::size_t>(1, epoch.bytes >> 10), made.bytes() >> 20));
  }
}

// The rows of a rank, once it is known what has to be done. Those behind it see them.
void EpochRunner::change(Epoch& epoch, std::uint32_t rank) {
  if (!steps_.has_work(epoch, rank)) return;
  tables_.begin();
  steps_.change(epoch, rank, intake_.was_small());
  stop_failed(tasks_, epoch);
}

void EpochRunner::advance(Epoch& epoch, std::uint32_t rank) {
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    if (tasks_[i]->service().rank == rank) tasks_[i]->advance(epoch, flushes_, epoch.services[i]);
  }
}

void EpochRunner::end(Epoch& epoch) {
  while (!epoch.has_work() && end_next(epoch)) {
  }
  for (std::uint32_t rank = 0; rank < steps_.ranks(); ++rank) change(epoch, rank);
}

// The end of input goes downstream: a service ends when all that feed it, directly or not, have
// ended, and what they wrote is read. Those that feed each other end together. False: all have
// ended.
bool EpochRunner::end_next(Epoch& epoch) {
  std::vector<std::size_t> left;
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    const bool has_ended = epoch.services[i].after.watermark.value() == window::kEndOfTime;
    if (!has_ended && !tasks_[i]->stopped()) left.push_back(i);
  }
  std::vector<std::set<std::size_t>> fed(tasks_.size());  // by those of `left`
  for (const std::size_t i : left) fed[i] = fed_by(tasks_, i, left);
  const auto ends = [&](std::size_t i) {
    return std::ranges::all_of(
        left, [&](std::size_t other) { return !fed[other].contains(i) || fed[i].contains(other); });
  };
  for (const std::size_t i : left) {
    if (ends(i)) tasks_[i]->finish(epoch, flushes_, epoch.services[i]);
  }
  return !left.empty();
}

Status EpochRunner::commit(Epoch& epoch) {
  const Stopwatch watch(epoch.seconds.commit);
  log::Commit commit;
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    if (epoch.services[i].has_work()) tasks_[i]->write(epoch, epoch.services[i], commit);
  }
  schedules_.write(epoch.due, commit);
  // What nobody has seen but queries is computed again where power loss takes it back.
  commit.is_repeatable = commit.appends.empty();
  GF_TRY(store_.commit(std::move(commit)));
  return {};
}

// What is stored becomes what is seen. There is no way back from here.
void EpochRunner::show(Epoch& epoch) {
  condition_.is_half_shown = true;
  schedules_.commit(epoch.due);
  std::vector<VisibleChanges> visible;
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    ServiceEpoch& part = epoch.services[i];
    tasks_[i]->commit(epoch, flushes_, part);
    visible.push_back(std::move(part.visible));
  }
  if (epoch.has_work()) tables_.publish(std::move(visible));
  condition_.is_half_shown = false;
  if (!epoch.has_work()) return;
  ++totals_.epochs;
  for (const auto phase : {&EpochSeconds::read, &EpochSeconds::decode, &EpochSeconds::update,
                           &EpochSeconds::flush, &EpochSeconds::commit}) {
    totals_.seconds.*phase += epoch.seconds.*phase;
  }
}

EngineLoop::Next EpochRunner::next(EpochResult result) const {
  using enum EngineLoop::Next;
  if (result == EpochResult::kTooLarge) return kAtOnce;
  if (result == EpochResult::kCommitted) return intake_.was_small() ? kAfterInterval : kAtOnce;
  const bool waits_for_time = std::ranges::any_of(tasks_, [](const auto& task) {
    return task->windows().waits_for_time() ||
           (task->join() != nullptr && task->join()->waits_for_time());
  });
  return waits_for_time || schedules_.is_near() ? kSoon : kLater;
}

EngineStats EpochRunner::stats(Duration attention) const {
  EngineStats stats{totals_.epochs, totals_.seconds, {}};
  stats.tables = rows_.sources().stats();
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    stats.services.push_back(tasks_[i]->stats(attention));
    stats.services.back().is_held = hold_.holds(i);
  }
  return stats;
}

// After 3 M events from disk 240 MB would stay, and 30 do. What little epochs, queries and engines
// before this one have freed lies between what is in use: of the flagship at 1,000 events a second,
// its dataflow changed each minute, 470 of 720 MB after 40 minutes.
void EpochRunner::release_memory() {
  if (!(condition_.was_large || hold_.has_grown()) || flushes_.is_busy()) return;
  condition_.was_large = false;
  memory_.release();
  for (const auto& task : tasks_) task->windows().release_memory();
  ::malloc_trim(0);
  hold_.note_given_back();
}

}  // namespace gameflow::runtime
