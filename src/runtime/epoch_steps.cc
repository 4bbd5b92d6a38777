#include "runtime/epoch_steps.h"

#include <algorithm>
#include <bit>
#include <span>
#include <utility>

#include "base/stopwatch.h"
#include "runtime/output.h"

namespace gameflow::runtime {
namespace {

// Services that get the same records.
void mark_sharing(std::span<ServiceEpoch> services, const EpochSteps::Tasks& tasks,
                  std::uint32_t rank) {
  for (std::size_t one = 0; one < services.size(); ++one) {
    if (services[one].deliveries.empty() || tasks[one]->service().rank != rank) continue;
    for (std::size_t other = 0; other < one; ++other) {
      if (tasks[other]->service().rank == rank &&
          are_alike(services[one].deliveries, services[other].deliveries))
        services[one].shares_keys = services[other].shares_keys = true;
    }
  }
}

}  // namespace

EpochSteps::EpochSteps(const plan::Graph& graph, const Tasks& tasks, const RowSource& rows,
                       WorkerPool& pool)
    : tasks_(tasks), pool_(pool), workers_(pool.size()) {
  for (const auto& task : tasks_) ranks_ = std::max(ranks_, task->service().rank + 1);
  for (Worker& worker : workers_) {
    for (plan::ServiceId id = 0; id < graph.services.size(); ++id) {
      const bool reads = !graph.services[id].reads.empty();
      worker.readers.push_back(reads ? std::make_unique<RowReader>(graph, id, &rows) : nullptr);
    }
  }
}

bool EpochSteps::has_work(const Epoch& epoch, std::uint32_t rank) const {
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    if (tasks_[i]->service().rank == rank && epoch.services[i].has_work()) return true;
  }
  return false;
}

// Readers look afresh at what has changed since.
void EpochSteps::begin_reading(bool sees_own) {
  for (Worker& worker : workers_) {
    for (const auto& reader : worker.readers) {
      if (reader != nullptr) reader->begin(sees_own);
    }
  }
}

void EpochSteps::run(Epoch& epoch, std::uint32_t rank, bool is_small) {
  const Stopwatch watch(epoch.seconds.decode);
  begin_reading(false);
  pool_.for_each(epoch.readings.size(), is_small, [&](std::uint32_t number, std::size_t i) {
    Worker& worker = workers_[number];
    Epoch::Reading& reading = epoch.readings[i];
    const bool is_passing = std::ranges::all_of(reading.deliveries, [this](const auto& to) {
      const Service& service = tasks_[to.first]->service();
      return !service.keeps_records() && service.rank == 0;
    });
    record::BlockArena& passing = worker.scratch.passing;
    worker.scratch.begin();
    if (rank == 0) {
      reading.chunk->decode(std::move(reading.source), worker.decoder,
                            is_passing ? &passing : nullptr);
    }
    worker.scratch.takers.clear();
    for (const auto& [service, delivery] : reading.deliveries) {
      const ServiceTask& task = *tasks_[service];
      if (task.service().rank != rank) continue;
      worker.scratch.takers.push_back({&task.service(), task.positions().closed.gone_until,
                                       epoch.now + task.service().future_max + Duration{1},
                                       delivery, worker.readers[service].get(),
                                       is_passing ? &passing : &delivery->arena});
    }
    run_steps(*reading.chunk, worker.scratch);
    if (!is_passing) return;
    reading.chunk->forget_values();
    for (const auto& [service, delivery] : reading.deliveries) delivery->own_placement.emitted = {};
  });
}

void EpochSteps::change(Epoch& epoch, std::uint32_t rank, bool is_small) {
  update(epoch, rank, is_small);
  write_keyed(epoch, rank, is_small);
}

void EpochSteps::update(Epoch& epoch, std::uint32_t rank, bool is_small) {
  const Stopwatch watch(epoch.seconds.update);
  struct Work {
    std::size_t service;
    std::uint32_t shard;
  };
  std::vector<Work> work;
  begin_reading(false);
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    if (tasks_[i]->service().rank != rank) continue;
    if (const auto& keyed = tasks_[i]->service().keyed)
      epoch.services[i].rows.resize(pool_.size(), RowValues(keyed->layout));
    if (tasks_[i]->service().join) epoch.services[i].joined.resize(pool_.size());
    for (std::uint64_t left = epoch.services[i].shards; left != 0; left &= left - 1)
      work.push_back({i, static_cast<std::uint32_t>(std::countr_zero(left))});
  }
  mark_sharing(epoch.services, tasks_, rank);
  for (Worker& worker : workers_) worker.shards.update.forget();
  // Services that begin alike get the same records of a shard one after the other.
  std::ranges::stable_sort(work, {}, &Work::shard);
  pool_.for_each(work.size(), is_small, [&](std::uint32_t worker, std::size_t i) {
    const auto [service, shard] = work[i];
    if (Joining* const join = tasks_[service]->join()) {
      join->update_shard(shard, worker, workers_[worker].join,
                         workers_[worker].readers[service].get(), epoch.services[service]);
      return;
    }
    tasks_[service]->windows().update_shard(shard, epoch.now, worker, workers_[worker].shards,
                                            workers_[worker].readers[service].get(),
                                            epoch.services[service]);
  });
}

// What left the rows goes to the sinks, once all shards of its service are up to date.
void EpochSteps::write_keyed(Epoch& epoch, std::uint32_t rank, bool is_small) {
  struct Work {
    std::size_t service;
    std::uint32_t delivery;  // the number of deliveries: rows that ran out
  };
  std::vector<Work> work;
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    const Service& service = tasks_[i]->service();
    if (service.rank != rank || !service.has_keyed_outputs()) continue;
    const auto deliveries = static_cast<std::uint32_t>(epoch.services[i].deliveries.size());
    for (std::uint32_t d = 0; d <= deliveries; ++d) work.push_back({i, d});
  }
  if (work.empty()) return;
  begin_reading(true);
  pool_.for_each(work.size(), is_small, [&](std::uint32_t number, std::size_t i) {
    const auto [service, delivery] = work[i];
    Worker& worker = workers_[number];
    RowReader* const reader = worker.readers[service].get();
    ServiceEpoch& part = epoch.services[service];
    if (delivery == part.deliveries.size()) {
      write_expired(tasks_[service]->service(), reader, worker.scratch, part);
    } else {
      write_keyed_outputs(tasks_[service]->service(), delivery, reader, worker.scratch, part);
    }
  });
}

void EpochSteps::flush(Epoch& epoch) {
  const Stopwatch watch(epoch.seconds.flush);
  std::vector<std::size_t> work;
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    ServiceEpoch& part = epoch.services[i];
    if (!part.has_work()) continue;
    tasks_[i]->windows().settle(epoch.now, part);
    if (part.flushes_now && !part.due.empty()) work.push_back(i);
  }
  pool_.for_each(work.size(), false, [&](std::uint32_t, std::size_t i) {
    tasks_[work[i]]->windows().flush(epoch.services[work[i]]);
  });
}

}  // namespace gameflow::runtime
