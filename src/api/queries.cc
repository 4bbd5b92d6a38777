#include "api/queries.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "api/progress.h"
#include "api/state_page.h"
#include "api/system_tables.h"
#include "base/ascii.h"
#include "base/closest.h"
#include "record/type.h"

namespace gameflow::api {
namespace {

Columns columns_of(const query::Table& table) {
  Columns columns;
  columns.emplace_back("_key", to_string(table.key));
  for (const record::Field& field : table.row->fields) {
    columns.emplace_back(field.cpp_name, fmt::format("{}{}", to_string(field.type->kind),
                                                     field.optional ? "?" : ""));
  }
  columns.emplace_back("_updated_at", "i64");
  if (table.session_gap) {
    columns.emplace_back("_window_start", "i64");
    columns.emplace_back("_window_end", "i64");
  }
  for (const std::string& name : table.constant_names) columns.emplace_back(name, "i64");
  return columns;
}

}  // namespace

// Holds a place among the running queries, and a database; puts both back.
struct Queries::Slot {
  explicit Slot(Queries& all) : queries(all) {}
  ~Slot() {
    if (!admitted) return;
    const MutexLock lock(queries.mutex_);
    --queries.counters_.running;
    if (database != nullptr) queries.free_.push_back(std::move(database));
  }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

  Status admit() {
    const MutexLock lock(queries.mutex_);
    if (queries.counters_.running >= Api::kQueriesMax) {
      ++queries.counters_.refused;
      return fail(ErrorCode::kUnavailable,
                  fmt::format("{} queries are running already; try again", Api::kQueriesMax));
    }
    ++queries.counters_.running;
    admitted = true;
    if (!queries.free_.empty()) {
      database = std::move(queries.free_.back());
      queries.free_.pop_back();
      return {};
    }
    GF_ASSIGN(database, queries.make_database());
    return {};
  }

  Queries& queries;
  std::unique_ptr<query::Database> database;
  bool admitted = false;
};

Queries::Queries(const runtime::Engine* engine, const log::Store& store, QueryCounters& counters,
                 const query::TopicReader& metrics, const Clock& clock)
    : engine_(engine),
      progress_([this] { return rows_of(progress_of(*engine_, topic_names_)); }, clock),
      counters_(counters) {
  if (engine == nullptr) return;
  std::vector<std::string> names;
  for (query::Table& schema : engine->schemas()) {
    names.push_back(schema.name);
    schemas_.push_back(std::make_shared<const query::Table>(std::move(schema)));
  }
  topic_names_ = topic_names(engine->graph(), names);
  topics_.emplace(topic_names_, store,
                  std::vector<query::Topic>{
                      {metrics_table().name, metrics_table().type, &metrics},
                      {progress_table().name, progress_table().type, &progress_},
                  });
}

Result<std::unique_ptr<query::Database>> Queries::make_database() const {
  auto database = std::make_unique<query::Database>();
  GF_TRY(show(*database, schemas_));
  if (topics_) {
    for (const query::Topic& topic : topics_->topics()) GF_TRY(database->add_topic(topic));
  }
  return database;
}

Status Queries::show(query::Database& database, const query::Tables& tables) {
  for (const auto& table : tables) GF_TRY(database.set_table(table.get()));
  return {};
}

Result<query::Answer> Queries::run(std::string_view sql,
                                   std::span<const query::Parameter> parameters,
                                   const query::Limits& limits) {
  const auto begin = std::chrono::steady_clock::now();
  Slot slot(*this);
  GF_TRY(slot.admit());
  auto answer = run_on(*slot.database, sql, parameters, limits, begin + limits.time_max);
  ++(answer ? counters_.succeeded : counters_.failed);
  return answer;
}

// Runs `action` while the database shows the rows of now.
template <class Action>
auto Queries::with_view(query::Database& database, std::chrono::steady_clock::time_point deadline,
                        Action&& action) -> decltype(action(query::Tables{})) {
  const std::shared_ptr<const query::Tables> view = engine_->view(deadline);
  if (view == nullptr) {
    return fail(ErrorCode::kSqlLimit,
                "the query took too long: it waited for the engine to end an epoch");
  }
  GF_TRY(show(database, *view));
  auto answer = action(*view);
  GF_TRY(show(database, schemas_));  // a free database keeps no rows alive
  return answer;
}

Result<query::Answer> Queries::run_on(query::Database& database, std::string_view sql,
                                      std::span<const query::Parameter> parameters,
                                      query::Limits limits,
                                      std::chrono::steady_clock::time_point deadline) {
  if (engine_ == nullptr) return database.run(sql, parameters, limits);
  return with_view(database, deadline, [&](const query::Tables&) {
    limits.time_max = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    auto answer = database.run(sql, parameters, limits);
    // What is measured is another at each look.
    const auto is_measured = [](const std::string& table) {
      return table == metrics_table().name || table == progress_table().name;
    };
    if (answer && std::ranges::any_of(answer->uses.tables, is_measured)) answer->uses.clock = true;
    return answer;
  });
}

std::vector<std::uint64_t> Queries::changes(const query::Uses& uses) const {
  std::vector<std::uint64_t> numbers;
  if (engine_ == nullptr) return numbers;
  const std::vector<std::uint64_t> of_tables = engine_->changes();
  for (const std::string& name : uses.tables) {
    const auto state = std::ranges::find_if(
        schemas_, [&](const auto& schema) { return lower_case(schema->name) == name; });
    if (state != schemas_.end()) {
      numbers.push_back(of_tables[static_cast<std::size_t>(state - schemas_.begin())]);
      continue;
    }
    const query::Topic* const topic = topics_ ? topics_->find_table(name) : nullptr;
    if (topic == nullptr) continue;
    const auto partitions = topic->reader->partitions();
    if (!partitions) continue;
    for (const query::TopicReader::Range range : *partitions) {
      numbers.push_back(range.begin.value);
      numbers.push_back(range.end.value);
    }
  }
  return numbers;
}

std::vector<StateDescription> Queries::states() {
  std::vector<StateDescription> states;
  if (engine_ == nullptr) return states;
  const runtime::EngineStats stats = engine_->stats();
  auto schema = schemas_.begin();
  for (const runtime::Engine::TableName& name : engine_->tables()) {
    StateDescription state{.name = name, .columns = columns_of(**schema++)};
    for (const runtime::ServiceStats& service : stats.services) {
      if (service.name != name.service) continue;
      const auto found = std::ranges::find(service.states, name.state, &runtime::StateStats::name);
      if (found == service.states.end()) continue;
      state.rows = found->rows;
      state.bytes = found->bytes;
    }
    states.push_back(std::move(state));
  }
  return states;
}

Result<StateRows> Queries::rows(std::string_view service, std::string_view state,
                                const StateQuery& wanted) {
  if (engine_ == nullptr) {
    return fail(ErrorCode::kInvalidArgument, "there is no state: no dataflow is running");
  }
  const std::vector<runtime::Engine::TableName> tables = engine_->tables();
  const auto found = std::ranges::find_if(tables, [&](const runtime::Engine::TableName& table) {
    return table.service == service && table.state == state;
  });
  if (found == tables.end()) {
    std::vector<std::string> names;
    names.reserve(tables.size());
    for (const auto& table : tables) names.push_back(table.service + "/" + table.state);
    const std::vector<std::string_view> views(names.begin(), names.end());
    const std::string name = fmt::format("{}/{}", service, state);
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("there is no state '{}'{}", name, or_closest(name, views)));
  }
  return read_rows(static_cast<std::size_t>(found - tables.begin()), wanted);
}

Result<StateRows> Queries::read_rows(std::size_t table, const StateQuery& wanted) {
  const auto deadline = std::chrono::steady_clock::now() + query::Limits{}.time_max;
  Slot slot(*this);
  GF_TRY(slot.admit());
  auto rows = with_view(*slot.database, deadline, [&](const query::Tables& view) {
    return read_page(*slot.database, *view[table], wanted, deadline);
  });
  ++(rows ? counters_.succeeded : counters_.failed);
  return rows;
}

const query::Topic* Queries::topic_table(std::string_view topic) const {
  return topics_ ? topics_->find(topic) : nullptr;
}

QueryStats Queries::stats() const {
  return {counters_.succeeded, counters_.failed, counters_.refused, counters_.running};
}

}  // namespace gameflow::api
