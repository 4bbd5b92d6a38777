// A service that runs: where it stands, the rows of its shards, and its part of every epoch.
//
// An epoch calls, in this order: begin, [Intake fills in what was read], advance, [update_shard for
// shards with work], flush, write, and then commit — or, if it did not come to that, revert, after
// which everything is as before begin.
//
// Threads  update_shard may run in parallel for different shards, flush for different services; all
//          else on the thread that runs epochs. service() belongs to everybody.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include <gameflow/abi.h>

#include "base/error.h"
#include "base/time.h"
#include "log/store.h"
#include "plan/graph.h"
#include "runtime/checkpoint.h"
#include "runtime/epoch.h"
#include "runtime/flush.h"
#include "runtime/flush_pool.h"
#include "runtime/keyed.h"
#include "runtime/late_meter.h"
#include "runtime/service.h"
#include "runtime/tables.h"
#include "state/shard.h"
#include "window/assigner.h"

namespace gameflow::runtime {

class ServiceTask {
 public:
  // `graph` outlives the task. `number` is that of the service in the graph and in the pool.
  // Windows that close together and hold up to `rows_flushed_at_once` are flushed in that epoch.
  ServiceTask(const plan::Graph& graph, Service service, std::size_t number,
              std::size_t rows_flushed_at_once);

  // Takes what the store holds, or starts afresh, and adds to `commit` what the store should hold
  // from now on where that is something else. Errors as Engine::open. Once, before the first epoch.
  Status restore(log::Store& store, Timestamp now, Duration attention, FlushPool& pool,
                 log::Commit& commit, VisibleChanges& visible);

  void begin(FlushPool& pool, ServiceEpoch& epoch);
  // Counts what came, moves the watermark and decides which windows open and close.
  void advance(const Epoch& epoch, const FlushPool& pool, ServiceEpoch& part);
  // Behind advance: no more input will come, all windows close.
  void finish(const Epoch& epoch, const FlushPool& pool, ServiceEpoch& part);
  // For those of part.shards; part.rows has one a worker.
  void update_shard(std::uint32_t shard, Timestamp now, std::uint32_t worker, ShardUpdate& update,
                    ServiceEpoch& part);
  void flush(ServiceEpoch& part);
  void write(const Epoch& epoch, ServiceEpoch& part, log::Commit& commit) const;
  void commit(const Epoch& epoch, FlushPool& pool, ServiceEpoch& part);
  // The epoch had nothing for this service to write.
  void skip(ServiceEpoch& part) { positions_ = std::move(part.after); }
  void revert(Duration attention);

  // Between epochs, on any one thread: versions of what was committed since the last set_sealed().
  VisibleChanges seal();
  void set_sealed();

  const Service& service() const { return service_; }
  const Positions& positions() const { return positions_; }
  bool has_open_windows() const { return !open_.empty() || flushing_ != 0; }
  ServiceStats stats(Duration attention) const;
  std::uint64_t state_bytes() const;
  void release_memory();

 private:
  friend class Restore;

  void decide_windows(const Epoch& epoch, const FlushPool& pool, ServiceEpoch& part);
  std::optional<ClosedWindow> look_at(window::Span span, const StoredRows& stored);
  std::optional<ClosedWindow> close(window::Span span, const StoredRows& stored,
                                    VisibleChanges& visible);
  ServiceRecord record(const Positions& positions) const;
  LateStats late_stats(Duration attention) const;

  const Service service_;
  const std::size_t number_;
  const std::size_t rows_flushed_at_once_;
  Positions positions_;
  std::vector<StoredInput> former_inputs_;             // of sources that the dataflow has no longer
  std::vector<std::unique_ptr<state::Shard>> shards_;  // none: a pipe
  struct OpenWindow {
    std::size_t rows = 0;
    StoredRows stored;
  };
  std::map<Timestamp, OpenWindow> open_;  // windows with rows that have not closed
  std::size_t flushing_ = 0;         // windows that have closed, and whose result is not committed
  std::vector<FlushedPtr> results_;  // of the pool, not yet committed
  std::optional<Flusher> flusher_;
  LateMeter late_;
};

}  // namespace gameflow::runtime
