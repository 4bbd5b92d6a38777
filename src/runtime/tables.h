// What SQL sees of all states: versions of their tables as the last committed epoch left them. They
// are shared, not copied, and nobody who reads one holds up an epoch.
//
// Versions make the epochs behind them copy pages, and most of the time nobody reads. So an epoch
// makes versions only if those before were asked for. Who asks and finds none of the last epoch
// makes them, or waits for the epoch that runs.
#pragma once

#include <chrono>
#include <condition_variable>
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

// A table of the rows of one of its states, without any.
query::Table make_table(const plan::Keyed& keyed, std::uint32_t number, std::string name);
query::Table make_table(const plan::TableSource& source);

// A state as people see it in SQL, without rows. It is called as the state is, with
// "<service>__" in front where two services share the name.
struct StateTable {
  plan::ServiceId service = 0;
  std::string state;  // YAML name
  query::Table table;
};
// All of the dataflow, in its order.
std::vector<StateTable> state_tables(const plan::Graph& graph);

query::Segment make_segment(window::Span span, bool closed, query::Shards tables);
// Of sessions, each of which says its own span.
query::Segment make_session_segment(bool closed, std::shared_ptr<const query::Shards> tables);

// What is new of a service's panes and windows.
struct VisibleChanges {
  struct Change {
    window::Span pane;
    std::uint32_t shard;
    std::shared_ptr<const state::TableVersion> version;  // null: what was seen is out of date
  };
  std::vector<Change> changes;
  std::optional<window::Span> last_fired;      // a window whose final result is there
  std::optional<Timestamp> fired_until;        // windows that end at or before it are open no more
  std::shared_ptr<const query::Shards> ended;  // sessions that have, in place of those before

  bool empty() const { return changes.empty() && !last_fired && !fired_until && ended == nullptr; }
};

class ServiceTask;

// The states of all services, and of each the windows that can be seen: open ones, and the last
// that was flushed.
//
// Threads  view() any; the others belong to the thread that runs epochs. The lock is held while
//          pointers are copied, and by a reader that makes versions between two epochs: 0.1 ms,
//          once, as the next epoch makes them itself.
class VisibleTables {
 public:
  struct Name {
    std::string table;           // in SQL
    std::string service, state;  // YAML names; of a table the service is 'tables'
  };

  using Tasks = std::vector<std::unique_ptr<ServiceTask>>;

  // `tasks`, those of the services, outlive it.
  VisibleTables(const plan::Graph& graph, const std::vector<Service>& services, const Tasks& tasks);

  // From begin() to end() an epoch changes the tables of the tasks.
  void begin();
  // By service: what the epoch, which is committed, has to tell. All is seen at once.
  void publish(std::vector<VisibleChanges> changes);
  void end();
  // The rows of the graph's tables from now on, in order.
  void show_sources(std::vector<std::shared_ptr<const query::Shards>> rows);

  const std::vector<Name>& names() const { return names_; }
  // All tables, without rows.
  const std::vector<query::Table>& schemas() const { return empty_; }
  // All tables as one epoch left them, not an earlier one than the last that was committed before
  // the call, in the order of names(). Nothing changes what it points to. Null where the epoch that
  // runs, whose end it takes, does not end by the deadline.
  std::shared_ptr<const query::Tables> view(std::chrono::steady_clock::time_point deadline) const;
  // Of each table, in the order of names(), a number that grows where a view of now is another one
  // than the last was. Waits for no epoch, and costs it nothing.
  std::vector<std::uint64_t> changes() const;

 private:
  struct Pane {
    window::Span span;
    query::Shards tables;
  };
  struct ServiceWindows {
    std::map<Timestamp, Pane> panes;
    std::optional<window::Span> last_fired;
    std::optional<Timestamp> fired_until;
    std::shared_ptr<const query::Shards> ended;  // the last sessions to have, together
    std::uint64_t changes = 0;                   // as of changes()
  };
  struct Sources {
    std::vector<std::shared_ptr<const query::Shards>> rows;
    std::uint64_t changes = 0;
  };
  static std::vector<query::Segment> segments_of(const BoundKeyed& keyed,
                                                 const ServiceWindows& windows);
  std::vector<VisibleChanges> seal() const;
  void set_sealed() const;
  void apply(std::vector<VisibleChanges>& changes, std::vector<Pane>& forgotten) const
      GF_REQUIRES(mutex_);

  std::vector<Name> names_;
  std::vector<query::Table> empty_;    // by name, without rows
  std::vector<std::size_t> services_;  // by name, whose it is
  const Tasks& tasks_;
  // A view makes versions: it changes how the tables are kept, not what they are.
  mutable Mutex mutex_;
  mutable std::condition_variable changed_;
  bool is_changing_ GF_GUARDED_BY(mutex_) = false;       // between begin() and end()
  mutable bool is_stale_ GF_GUARDED_BY(mutex_) = true;   // windows_ lack what was committed
  mutable bool was_read_ GF_GUARDED_BY(mutex_) = false;  // since an epoch made versions
  mutable std::vector<ServiceWindows> windows_ GF_GUARDED_BY(mutex_);  // by service
  Sources sources_ GF_GUARDED_BY(mutex_);
  // Of windows_ and sources_; null: not made yet.
  mutable std::shared_ptr<const query::Tables> view_ GF_GUARDED_BY(mutex_);
};

}  // namespace gameflow::runtime
