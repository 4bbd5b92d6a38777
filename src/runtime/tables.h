// What SQL sees of all states: versions of their tables as the last committed epoch left them. They
// are shared, not copied, and nobody who reads one holds up an epoch.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "plan/graph.h"
#include "plan/table.h"
#include "query/query.h"
#include "runtime/service.h"
#include "state/layout.h"
#include "state/version.h"
#include "window/assigner.h"

namespace gameflow::runtime {

// A table of the rows of one state, without any.
query::Table make_table(const plan::State& state, std::uint32_t number, std::string name);
query::Segment make_segment(window::Span span, bool closed, query::Shards tables);

// What an epoch changed of a service's windows, and which were flushed with it, in order.
struct VisibleChanges {
  struct Change {
    window::Span span;
    std::uint32_t shard;
    std::shared_ptr<const state::TableVersion> version;
  };
  std::vector<Change> changes;
  std::vector<window::Span> flushed;

  bool empty() const { return changes.empty() && flushed.empty(); }
};

// The states of all services, and of each the windows that can be seen: open ones, and the last
// that was flushed.
//
// Threads  any. The lock is held while pointers are copied.
class VisibleTables {
 public:
  struct Name {
    // In SQL: the state's, with "<service>__" in front where two services share it.
    std::string table;
    std::string service, state;  // YAML names
  };

  explicit VisibleTables(const std::vector<Service>& services);

  // By service, of one epoch: all are seen at once.
  void publish(std::vector<VisibleChanges> changes);

  const std::vector<Name>& names() const { return names_; }
  // All tables as one epoch left them, in the order of names(). Nothing changes what it points to.
  std::shared_ptr<const query::Tables> view() const;

 private:
  struct Window {
    window::Span span;
    query::Shards tables;
  };
  struct ServiceWindows {
    std::map<Timestamp, Window> open;
    std::optional<Window> last_flushed;
  };
  static std::vector<query::Segment> segments_of(const ServiceWindows& windows);

  std::vector<Name> names_;
  std::vector<query::Table> empty_;    // by name, without rows
  std::vector<std::size_t> services_;  // by name, whose it is
  mutable Mutex mutex_;
  std::vector<ServiceWindows> windows_ GF_GUARDED_BY(mutex_);  // by service
  // Of windows_; null: not made yet.
  mutable std::shared_ptr<const query::Tables> view_ GF_GUARDED_BY(mutex_);
};

}  // namespace gameflow::runtime
