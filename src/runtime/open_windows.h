// The windows of one service that are open, with their rows by shard, and those that have closed
// and whose results are not committed. A pipe has none; rows without a window have one that never
// closes.
//
// Threads  update_shard may run in parallel for different shards; seal and set_sealed between
//          epochs, on any one thread; all else on the thread that runs epochs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/time.h"
#include "log/store.h"
#include "plan/graph.h"
#include "runtime/checkpoint.h"
#include "runtime/epoch.h"
#include "runtime/flush.h"
#include "runtime/flush_pool.h"
#include "runtime/keyed.h"
#include "runtime/row_reader.h"
#include "runtime/service.h"
#include "runtime/stats.h"
#include "runtime/tables.h"
#include "state/shard.h"
#include "window/assigner.h"

namespace gameflow::runtime {

class OpenWindows {
 public:
  // `graph` and `service` outlive this. `number` is that of the service in the pool. Windows that
  // close together and hold up to `rows_flushed_at_once` are flushed in that epoch.
  OpenWindows(const plan::Graph& graph, const Service& service, std::size_t number,
              std::size_t rows_flushed_at_once, const RowSource& source);

  // Takes what the pool has flushed since.
  void begin(FlushPool& pool, ServiceEpoch& part);
  // Which of the windows that records ask for open, and which part.after has closed.
  void decide(Timestamp now, const FlushPool& pool, ServiceEpoch& part) const;
  // For those of part.shards; part.rows has one a worker.
  void update_shard(std::uint32_t shard, Timestamp now, std::uint32_t worker, ShardUpdate& update,
                    RowReader* reader, ServiceEpoch& part);
  void flush(ServiceEpoch& part);
  void write(ServiceEpoch& part, log::Commit& commit) const;
  void commit(FlushPool& pool, ServiceEpoch& part);
  void revert();

  // Versions of what was committed since the last set_sealed().
  VisibleChanges seal();
  void set_sealed();

  // By number; none: a pipe.
  const std::vector<std::unique_ptr<state::Shard>>& shards() const { return shards_; }

  std::size_t count() const { return service_.has_windows() ? open_.size() + flushing_ : 0; }
  void add_to(ServiceStats& stats) const;
  std::uint64_t bytes() const;
  void release_memory();

 private:
  friend class Restore;

  std::optional<ClosedWindow> close(window::Span span, const StoredRows& stored,
                                    VisibleChanges& visible);

  const Service& service_;
  const std::size_t number_;
  const std::size_t rows_flushed_at_once_;
  std::vector<std::unique_ptr<state::Shard>> shards_;  // none: a pipe
  struct OpenWindow {
    std::size_t rows = 0;
    StoredRows stored;
  };
  std::map<Timestamp, OpenWindow> open_;  // windows with rows that have not closed
  std::size_t flushing_ = 0;         // windows that have closed, and whose result is not committed
  std::vector<FlushedPtr> results_;  // of the pool, not yet committed
  std::optional<Flusher> flusher_;
};

}  // namespace gameflow::runtime
