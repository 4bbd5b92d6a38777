// The panes of one service's windows: their rows by shard, and what is stored of them. A pipe has
// none; rows without a window have one pane that never closes.
//
// Threads  shards() may be changed in parallel, each by one worker; seal and set_sealed between
//          epochs, on any one thread; all else on the thread that runs epochs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "log/store.h"
#include "runtime/checkpoint.h"
#include "runtime/epoch.h"
#include "runtime/flush.h"
#include "runtime/results.h"
#include "runtime/service.h"
#include "runtime/stats.h"
#include "runtime/tables.h"
#include "state/shard.h"
#include "window/assigner.h"

namespace gameflow::runtime {

class Panes {
 public:
  // `service` outlives this.
  explicit Panes(const Service& service);

  // Which panes the records of the epoch go to, and which of them may not open.
  void ask(Timestamp now, ServiceEpoch& part) const;
  // Those of which a window has ended by `until`, and that records do not go to.
  std::vector<window::Span> ended(std::optional<Timestamp> until, const ServiceEpoch& part) const;
  // Which of those that records go to are stored anew.
  void decide_stores(ServiceEpoch& part) const;

  // Of those that records go to: whose rows have changed.
  std::vector<window::Span> changed(const ServiceEpoch& part) const;
  bool has_rows(window::Span window, const ServiceEpoch& part) const;
  // In the window, as the last epoch left it.
  std::size_t rows(window::Span window) const;
  // What is due, with the rows of its panes. `as_committed`: in versions that last; else to be read
  // until something changes them.
  std::vector<WindowRows> gather(const ServiceEpoch& part, bool as_committed) const;
  // Windows with rows that end behind `until`.
  std::size_t count_windows(std::optional<Timestamp> until) const;

  void write(ServiceEpoch& part, log::Commit& commit) const;
  // Two steps: what is due is gathered in between.
  void commit(ServiceEpoch& part);
  void drop(ServiceEpoch& part);

  const std::vector<std::unique_ptr<state::Shard>>& shards() const { return shards_; }  // by number
  bool is_empty() const { return open_.empty(); }
  void add_to(ServiceStats& stats) const;

 private:
  friend class Restore;

  struct Pane {
    std::size_t rows = 0;
    StoredRows stored;
  };

  const Service& service_;
  std::vector<std::unique_ptr<state::Shard>> shards_;
  std::map<Timestamp, Pane> open_;           // that windows still need
  std::map<Timestamp, StoredRows> leaving_;  // stored for results that are not committed
};

}  // namespace gameflow::runtime
