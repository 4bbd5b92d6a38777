// SQL over the engine's live state and over topics, for people: each query reads the versions of
// the last epoch, and the log, outside the engine's threads. The engine waits for nobody; a query,
// where it is the first for a while, for the epoch that runs.
//
// Threads  every method may be called from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/api.h"
#include "api/system_tables.h"
#include "api/topic_tables.h"
#include "base/error.h"
#include "base/mutex.h"
#include "log/store.h"
#include "query/query.h"
#include "runtime/engine.h"

namespace gameflow::api {

struct QueryStats {
  std::uint64_t succeeded = 0, failed = 0, refused = 0;  // refused: kQueriesMax were running
  std::uint32_t running = 0;
};

// What is counted over all engines that one Api sees.
struct QueryCounters {
  std::atomic<std::uint32_t> running = 0;
  std::atomic<std::uint64_t> succeeded = 0, failed = 0, refused = 0;
};

class Queries {
 public:
  // All outlive this; without an engine there are no tables. `metrics` are the rows of `_metrics`.
  Queries(const runtime::Engine* engine, const log::Store& store, QueryCounters& counters,
          const query::TopicReader& metrics, const Clock& clock);

  Result<query::Answer> run(std::string_view sql, std::span<const query::Parameter> parameters,
                            const query::Limits& limits);
  // Numbers that are others where the answer of a query may be: those of what it reads. None of a
  // topic that cannot be read.
  std::vector<std::uint64_t> changes(const query::Uses& uses) const;
  std::vector<StateDescription> states();
  Result<StateRows> rows(std::string_view service, std::string_view state,
                         const StateQuery& wanted);
  // Null where the topic is no table.
  const query::Topic* topic_table(std::string_view topic) const;
  QueryStats stats() const;

 private:
  struct Slot;  // one of the kQueriesMax that may run

  Result<std::unique_ptr<query::Database>> make_database() const;
  static Status show(query::Database& database, const query::Tables& tables);
  template <class Action>
  auto with_view(query::Database& database, std::chrono::steady_clock::time_point deadline,
                 Action&& action) -> decltype(action(query::Tables{}));
  Result<StateRows> read_rows(std::size_t table, const StateQuery& wanted);
  Result<query::Answer> run_on(query::Database& database, std::string_view sql,
                               std::span<const query::Parameter> parameters, query::Limits limits,
                               std::chrono::steady_clock::time_point deadline);

  const runtime::Engine* engine_;
  std::vector<TopicName> topic_names_;
  const MeasuredReader progress_;
  std::optional<TopicTables> topics_;
  query::Tables schemas_;  // every table without its rows, as the engine orders them
  Mutex mutex_;
  // Kept with their tables set to schemas_, which they borrow.
  std::vector<std::unique_ptr<query::Database>> free_ GF_GUARDED_BY(mutex_);
  QueryCounters& counters_;
};

}  // namespace gameflow::api
