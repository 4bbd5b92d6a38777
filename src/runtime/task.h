// A service that runs: where it stands, its windows, and its part of every epoch.
//
// An epoch calls, in this order: begin, [Intake fills in what was read], advance,
// [windows().update_shard for shards with work, windows().settle and flush], write, and then commit
// — or, if it did not come to that, revert, after which everything is as before begin.
//
// Threads  the thread that runs epochs; service() belongs to everybody, and OpenWindows has its own
//          rules.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "log/store.h"
#include "plan/graph.h"
#include "runtime/checkpoint.h"
#include "runtime/dead_letter.h"
#include "runtime/epoch.h"
#include "runtime/flush_pool.h"
#include "runtime/forgetting.h"
#include "runtime/joining.h"
#include "runtime/late_meter.h"
#include "runtime/open_windows.h"
#include "runtime/service.h"
#include "runtime/tables.h"

namespace gameflow::runtime {

class ServiceTask {
 public:
  // `graph` outlives the task. `number` is that of the service in the graph and in the pool.
  // Windows that close together and hold up to `rows_flushed_at_once` are flushed in that epoch.
  ServiceTask(const plan::Graph& graph, Service service, std::size_t number,
              std::size_t rows_flushed_at_once, const RowSource& source);

  // Takes what the store holds, or starts afresh, and adds to `commit` what the store should hold
  // from now on where that is something else. Errors as Engine::open. Once, before the first epoch.
  // `forgetting`: as runtime::Options.
  Status restore(log::Store& store, Timestamp now, Duration attention, FlushPool& pool,
                 Forgetting* forgetting, log::Commit& commit, VisibleChanges& visible);

  void begin(FlushPool& pool, ServiceEpoch& epoch);
  // Counts what came, moves the watermark and decides which windows open and close.
  void advance(const Epoch& epoch, const FlushPool& pool, ServiceEpoch& part);
  // Behind advance: no more input will come, all windows close.
  void finish(const Epoch& epoch, const FlushPool& pool, ServiceEpoch& part);
  void write(const Epoch& epoch, ServiceEpoch& part, log::Commit& commit) const;
  // Also where the epoch had nothing for this service to write.
  void commit(const Epoch& epoch, FlushPool& pool, ServiceEpoch& part);
  void revert(Duration attention);

  // From now on it takes no part in epochs; what it did in this one is dropped.
  void stop(Stop stop, Duration attention, ServiceEpoch& part);
  const std::optional<Stop>& stopped() const { return stop_; }

  const Service& service() const { return service_; }
  const Positions& positions() const { return positions_; }
  OpenWindows& windows() { return windows_; }
  Joining* join() { return join_ ? &*join_ : nullptr; }  // null: it has none
  ServiceStats stats(Duration attention) const;

 private:
  friend class Restore;

  void decide_windows(const Epoch& epoch, const FlushPool& pool, ServiceEpoch& part);

  const Service service_;
  Positions positions_;
  std::vector<StoredInput> former_inputs_;  // of sources that the dataflow has no longer
  OpenWindows windows_;
  std::optional<Joining> join_;
  LateMeter late_;
  OperatorCounts counts_;  // since the start of the process
  std::optional<Stop> stop_;
};

// What is stored of a service that stands there. `former`: inputs that it has no longer.
ServiceRecord record_of(const Service& service, const Positions& positions,
                        const std::vector<StoredInput>& former);

}  // namespace gameflow::runtime
