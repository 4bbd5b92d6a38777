// The engine: runs a graph over a store in bulk-synchronous epochs.
//
// One epoch: (1) decode input and run the functions in front of the exchange; (2) update the
// shards; (3) flush windows that the watermark has passed, small ones at once, large ones beside
// the epochs that follow; (4) one commit of offsets, state, watermarks, outputs and dead letters.
// After a crash the store holds the whole epoch or nothing of it. The result does not depend on how
// many threads run it, nor on where one epoch ends and the next begins. docs/design/epochs.md has
// the reasons, docs/formats/state.md what is stored.
//
// Threads  run_epoch() and start()/stop() belong to one thread; everything const may be called from
//          any thread at any time, and, but for view(), waits for no epoch. The engine starts its
//          own workers.
// Errors   bad records become dead letters and are counted. An epoch whose commit fails is dropped;
//          the loop of start() tries again.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/memory_watch.h"
#include "base/time.h"
#include "log/store.h"
#include "plan/functions.h"
#include "plan/graph.h"
#include "query/query.h"
#include "runtime/epoch_runner.h"
#include "runtime/forgetting.h"
#include "runtime/stats.h"
#include "runtime/tables.h"

namespace gameflow::runtime {

struct Options {
  std::uint32_t threads = 0;  // workers; 0: usable_cores()
  // Of input per epoch, all sources together; always at least one batch. Less where that takes long
  // (EpochSize).
  std::size_t epoch_bytes_max = 128U << 20;
  // An epoch of less input runs on one thread; and the loop of start() begins the next one only
  // `epoch_interval` after it began, so that a steady trickle does not pay for an epoch a record.
  std::size_t epoch_bytes_small = 1U << 20;
  Duration epoch_interval{25};
  // Windows that close together and hold up to so many rows are flushed in that epoch, others
  // beside the epochs that follow: this many take some ten milliseconds.
  std::size_t rows_flushed_at_once = 20'000;
  const Clock* clock = nullptr;  // required; outlives the engine
  // Another engine has only just stopped: what schedules would have given since is not missed.
  bool takes_over = false;
  // Close to its limit services whose state is large get no more input, and epochs are small. Null:
  // memory has no limit. Outlives the engine.
  MemoryWatch* memory = nullptr;
  // Who is forgotten as the state is taken from the store; null: nobody. Until open() returns.
  Forgetting* forgetting = nullptr;
};

class Engine {
 public:
  // Creates the topics of the graph that do not exist, restores state, or starts afresh.
  // `functions` come from opbuild.
  //   kStateMismatch  a stored state has another type now, or a watermark is ahead of the clock;
  //                   the message names it and the ways out
  //   kMemoryFull     the stored state does not fit into memory
  //   kInvalidDataflow, kLibraryInvalid, kDataCorrupt, kDiskFull, kClosed
  static Result<std::unique_ptr<Engine>> open(std::shared_ptr<const plan::Graph> graph,
                                              const plan::Functions& functions, log::Store& store,
                                              const Options& options);

  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  virtual ~Engine() = default;  // stops

  // Runs one epoch if there is input or a window to close. An error leaves the engine as before the
  // epoch; call again. Waits for windows that are flushed beside the epochs, so that the same calls
  // give the same epochs.
  virtual Result<EpochResult> run_epoch() = 0;
  // Declares that no more input will come: the following epochs, until kIdle, read what is left and
  // close all windows.
  virtual void end_input() = 0;

  // Runs epochs in a thread of its own as input arrives and time passes. stop() finishes the
  // running epoch; it closes no windows. Both are idempotent.
  virtual void start() = 0;
  virtual void stop() = 0;
  // Why the loop of start() makes no progress at the moment (it keeps trying), or success.
  virtual Status health() const = 0;

  // As the last epoch left it.
  virtual EngineStats stats() const = 0;
  virtual const plan::Graph& graph() const = 0;

  using TableName = VisibleTables::Name;
  virtual std::vector<TableName> tables() const = 0;
  // All tables, without rows, in the order of tables().
  virtual std::vector<query::Table> schemas() const = 0;
  // All tables as they were after the last epoch: open windows, and the last closed one. In the
  // order of tables(). A copied pointer where others asked of late; otherwise an epoch that runs
  // may have to end first: null if it has not by the deadline. Nothing changes what it points to.
  virtual std::shared_ptr<const query::Tables> view(
      std::chrono::steady_clock::time_point deadline) const = 0;
  // Of each table, in the order of tables(), a number that grows where a view of now is another one
  // than the last was.
  virtual std::vector<std::uint64_t> changes() const = 0;

 protected:
  Engine() = default;
};

}  // namespace gameflow::runtime
