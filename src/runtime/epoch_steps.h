// What the workers do in an epoch: run the functions over chunks, update shards, write what left
// the rows, flush windows. Rank by rank: a rank sees the rows that those before it have left.
//
// Threads  one; it works along with the pool's.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "plan/graph.h"
#include "record/batch_decoder.h"
#include "runtime/epoch.h"
#include "runtime/open_windows.h"
#include "runtime/row_reader.h"
#include "runtime/step.h"
#include "runtime/task.h"
#include "runtime/worker_pool.h"

namespace gameflow::runtime {

class EpochSteps {
 public:
  using Tasks = std::vector<std::unique_ptr<ServiceTask>>;

  // All outlive it; `tasks` are those of the graph's services.
  EpochSteps(const plan::Graph& graph, const Tasks& tasks, const RowSource& rows, WorkerPool& pool);

  std::uint32_t ranks() const { return ranks_; }
  bool has_work(const Epoch& epoch, std::uint32_t rank) const;

  // `is_small`: without the help of other workers. The functions up to the exchange, or to the
  // sinks of a pipe.
  void run(Epoch& epoch, std::uint32_t rank, bool is_small);
  // The rows, and what leaves them.
  void change(Epoch& epoch, std::uint32_t rank, bool is_small);
  void flush(Epoch& epoch);

 private:
  void begin_reading(bool sees_own);
  void update(Epoch& epoch, std::uint32_t rank, bool is_small);
  void write_keyed(Epoch& epoch, std::uint32_t rank, bool is_small);

  // What a worker needs for itself.
  struct Worker {
    record::BatchDecoder decoder;
    StepScratch scratch;
    ShardWorker shards;
    std::vector<std::unique_ptr<RowReader>> readers;  // by service; null: it reads nothing else
  };

  const Tasks& tasks_;
  WorkerPool& pool_;
  std::vector<Worker> workers_;
  std::uint32_t ranks_ = 1;
};

}  // namespace gameflow::runtime
