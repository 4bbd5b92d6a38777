// The windows of one service: which give a result in an epoch, and what becomes of it. A pipe has
// none; rows without a window are in one that never closes.
//
// Threads  update_shard may run in parallel for different shards; seal and set_sealed between
//          epochs, on any one thread; all else on the thread that runs epochs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "log/store.h"
#include "plan/graph.h"
#include "runtime/epoch.h"
#include "runtime/flush.h"
#include "runtime/flush_pool.h"
#include "runtime/keyed.h"
#include "runtime/panes.h"
#include "runtime/row_reader.h"
#include "runtime/service.h"
#include "runtime/session_update.h"
#include "runtime/tables.h"

namespace gameflow::runtime {

// What a worker needs for itself to change shards.
struct ShardWorker {
  ShardUpdate update;
  SessionUpdate sessions;
};

class OpenWindows {
 public:
  // `graph` and `service` outlive this. `number` is that of the service in the pool. Windows that
  // give a result together and hold up to `rows_flushed_at_once` are flushed in that epoch.
  OpenWindows(const plan::Graph& graph, const Service& service, std::size_t number,
              std::size_t rows_flushed_at_once, const RowSource& source);

  // Takes what the pool has flushed since.
  void begin(FlushPool& pool, ServiceEpoch& part);
  // Which of the panes that records ask for open, and which windows may give a result.
  void decide(Timestamp now, const FlushPool& pool, ServiceEpoch& part) const;
  // For those of part.shards; part.rows has one a worker.
  void update_shard(std::uint32_t shard, Timestamp now, std::uint32_t number, ShardWorker& worker,
                    RowReader* reader, ServiceEpoch& part);
  // Behind the update: which of them do give one.
  void settle(Timestamp now, ServiceEpoch& part) const;
  // The panes stay in the shards until the epoch is committed.
  void flush(ServiceEpoch& part);
  void write(ServiceEpoch& part, log::Commit& commit) const { panes_.write(part, commit); }
  void commit(FlushPool& pool, ServiceEpoch& part);
  void revert();

  // Versions of what was committed since the last set_sealed().
  VisibleChanges seal();
  void set_sealed();

  const Panes& panes() const { return panes_; }

  // That are open, or have closed and whose result is not committed.
  std::size_t count(const Results& results) const;
  // Something may be due without any input.
  bool waits_for_time() const;
  std::uint64_t bytes() const;
  void release_memory();

 private:
  friend class Restore;

  const Service& service_;
  const std::size_t number_;
  const std::size_t rows_flushed_at_once_;
  const RowSource& source_;
  Panes panes_;
  std::size_t closing_ = 0;          // windows whose final result is made, and not committed
  std::vector<FlushedPtr> results_;  // of the pool, not yet committed
  std::optional<Flusher> flusher_;
};

}  // namespace gameflow::runtime
