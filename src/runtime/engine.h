// The engine: runs a plan over a store in bulk-synchronous epochs.
//
// One epoch: (1) decode input, assign time and key, group by state shard; (2) update the shards;
// (3) flush windows that the watermark has passed; (4) one commit of offsets, state, watermarks,
// outputs and dead letters. After a crash the store holds the whole epoch or nothing of it. The
// result of an epoch does not depend on how many threads run it. docs/design/epochs.md has the
// reasons, docs/formats/state.md what is stored.
//
// Threads  run_epoch() and start()/stop() belong to one thread; everything const may be called from
//          any thread at any time. The engine starts its own worker threads.
// Errors   bad records become dead letters and are counted. A failed commit takes memory back to
//          what the store holds; the loop of start() tries again.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gameflow/abi.h>

#include "base/error.h"
#include "base/time.h"
#include "log/store.h"
#include "plan/plan.h"
#include "query/query.h"

namespace gameflow::runtime {

struct Options {
  std::uint32_t threads = 0;  // workers; 0: as many as the machine has cores
  // Of input per epoch, all sources together; always at least one batch.
  std::size_t epoch_bytes_max = 64U << 20;
  const Clock* clock = nullptr;  // required; outlives the engine
};

enum class EpochResult : std::uint8_t {
  kIdle,       // nothing to do: wait for input or for time to pass
  kCommitted,  // something was processed and is committed; call again at once
};

struct PartitionStats {
  std::string topic;
  std::uint32_t partition = 0;
  std::uint64_t next_offset = 0;       // the next record the service will read
  std::uint64_t end_offset = 0;        // lag = end_offset - next_offset
  std::optional<Timestamp> watermark;  // nothing before the first record
  bool idle = false;
};

struct StateStats {
  std::string name;
  std::uint64_t rows = 0;  // in open windows
  std::uint64_t bytes = 0;
};

// Counters count since the dataflow first ran: they are committed with the state.
struct ServiceStats {
  std::string name;
  std::uint64_t records_in = 0;
  std::uint64_t records_out = 0;   // to sinks
  std::uint64_t records_late = 0;  // for a window that had closed
  std::uint64_t records_dead = 0;  // to the dead letters
  // Stamped so far ahead of the clock that they do not move the watermark.
  std::uint64_t records_future = 0;
  std::uint64_t records_expired = 0;  // removed by retention before they were read
  std::uint64_t windows_open = 0, windows_closed = 0;
  std::optional<Timestamp> watermark;
  std::vector<PartitionStats> partitions;
  std::vector<StateStats> states;
};

// Where the time of epochs goes, seconds since the start of the process.
struct EpochSeconds {
  double read = 0;    // from the store
  double decode = 0;  // and assign time and key, and group by shard
  double update = 0;  // the shards
  double flush = 0;   // windows that close
  double commit = 0;
};

struct EngineStats {
  std::uint64_t epochs = 0;  // since the start of the process
  EpochSeconds seconds;
  std::vector<ServiceStats> services;
};

// Rows of one state as they were between two epochs: open windows, and the last closed one. Owns
// its data.
struct StateSnapshot {
  query::Table table;
  std::shared_ptr<const void> storage;
};

class Engine {
 public:
  // Creates the topics of the plan that do not exist, restores state, or starts afresh. `functions`
  // comes from opbuild.
  //   kStateMismatch  a stored state has another type now; the message names it and the ways out
  //   kInvalidDataflow, kDataCorrupt, kDiskFull, kClosed
  static Result<std::unique_ptr<Engine>> open(plan::Plan plan, const abi::Library* functions,
                                              log::Store& store, const Options& options);
  // Throws away offsets, state, windows and counters of every service of the plan: the way out of
  // kStateMismatch.
  static Status clear_state(const plan::Plan& plan, log::Store& store);

  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  virtual ~Engine() = default;  // stops

  // Runs one epoch if there is input or a window to close. An error leaves the engine as before the
  // epoch; call again.
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

  virtual EngineStats stats() const = 0;
  virtual const plan::Plan& plan() const = 0;
  // `table` as in tables(). kInvalidArgument with a "did you mean" if there is none.
  virtual Result<StateSnapshot> snapshot(std::string_view table) const = 0;

  struct TableName {
    // Name in SQL: the state's, with "<service>__" in front where two services share it.
    std::string table;
    std::string service, state;  // YAML names
  };
  virtual std::vector<TableName> tables() const = 0;

 protected:
  Engine() = default;
};

}  // namespace gameflow::runtime
