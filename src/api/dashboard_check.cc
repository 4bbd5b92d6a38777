#include "api/dashboard_check.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "api/action_check.h"
#include "api/system_tables.h"
#include "api/topic_tables.h"
#include "base/closest.h"
#include "query/topic.h"
#include "record/batch.h"
#include "runtime/tables.h"

namespace gameflow::api {
namespace {

class NoRecords final : public query::TopicReader {
 public:
  Result<std::vector<Range>> partitions() const override { return std::vector<Range>{}; }
  Result<Range> narrow(std::uint32_t, Range range, Timestamp, Timestamp) const override {
    return range;
  }
  Result<std::vector<record::BatchPtr>> read(std::uint32_t, record::Offset,
                                             std::size_t) const override {
    return std::vector<record::BatchPtr>{};
  }
  Result<record::BatchPtr> read_before(std::uint32_t, record::Offset) const override {
    return nullptr;
  }
};

Status show(const plan::Graph& graph, std::list<query::Table>& tables, query::Database& database) {
  for (runtime::StateTable& state : runtime::state_tables(graph))
    tables.push_back(std::move(state.table));
  for (const plan::TableSource& source : graph.tables)
    tables.push_back(runtime::make_table(source));
  std::vector<std::string> names;
  for (const query::Table& table : tables) {
    GF_TRY(database.set_table(&table));
    names.push_back(table.name);
  }
  static const NoRecords kNoRecords;
  for (const TopicName& name : topic_names(graph, names))
    GF_TRY(database.add_topic({name.name, name.type, &kNoRecords}));
  for (const SystemTable& table : {metrics_table(), progress_table()})
    GF_TRY(database.add_topic({table.name, table.type, &kNoRecords}));
  return {};
}

// The column that was meant, or those that there are.
std::string hint_of(std::string_view name, const std::vector<std::string>& columns) {
  const std::vector<std::string_view> known(columns.begin(), columns.end());
  return closest_or_all(name, known, "columns");
}

std::size_t word_length(std::string_view sql, std::size_t at) {
  const auto is_word = [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  std::size_t end = at;
  while (end < sql.size() && is_word(sql[end])) ++end;
  return end - at;
}

// What Prometheus takes as one.
bool is_label(std::string_view name) {
  const auto is_letter = [](char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  return !name.empty() && is_letter(name[0]) && !name.starts_with("__") && name != "le" &&
         name != "quantile" &&
         std::ranges::all_of(name, [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

void check_labels(const spec::DashboardQuery& query, const std::vector<std::string>& columns,
                  std::vector<spec::Diagnostic>& mistakes) {
  for (const std::string& column : columns) {
    if (is_label(column) && std::ranges::count(columns, column) == 1) continue;
    mistakes.push_back(query.sql.mistake(
        query.sql.text.size(), 1,
        fmt::format("column '{}' cannot be a label: those are letters, digits and '_', each once",
                    column.substr(0, 60)),
        "name it with 'as', for example 'select t.name as level, …'"));
  }
}

// Columns that fields name, and enough for those that name none.
void check_columns(const spec::DashboardQuery& query, const std::vector<std::string>& columns,
                   std::vector<spec::Diagnostic>& mistakes) {
  for (const spec::NameUse& use : query.columns) {
    if (std::ranges::count(columns, use.name) != 0) continue;
    mistakes.push_back({.position = use.position,
                        .length = use.length,
                        .message = fmt::format("the query has no column '{}'", use.name),
                        .hint = hint_of(use.name, columns)});
  }
  for (const spec::NameUse& use : query.hiding) {
    if (std::ranges::count(columns, use.name) == 0) continue;
    mistakes.push_back(
        {.position = use.position,
         .length = use.length,
         .message = fmt::format("':{}' is not column '{}' of the query, which it hides", use.name,
                                use.name),
         .hint = fmt::format("give the column another name: 'select {} as …'", use.name)});
  }
  if (query.is_of_metric) check_labels(query, columns, mistakes);
  const auto left =
      static_cast<std::size_t>(std::ranges::count_if(columns, [&](const std::string& column) {
        return std::ranges::count(query.taken, column) == 0;
      }));
  if (left >= query.open.size()) return;
  const std::string& key = query.open[left];
  mistakes.push_back(query.sql.mistake(
      query.sql.text.size(), 1,
      fmt::format("{} needs a column for '{}', and the query has no more", query.of, key),
      fmt::format("select one more, or write '{}: COLUMN'", key)));
}

}  // namespace

DashboardCheck::DashboardCheck(const plan::Graph& graph)
    : graph_(graph), is_open_(show(graph, tables_, database_)) {}

std::vector<spec::Diagnostic> DashboardCheck::check(const spec::Dashboard& dashboard) {
  std::vector<spec::Diagnostic> mistakes;
  if (!is_open_) {
    mistakes.push_back({.position = {}, .message = is_open_.error().message, .hint = {}});
    return mistakes;
  }
  for (const spec::DashboardQuery& query : dashboard.queries) {
    std::optional<std::size_t> at;
    const auto columns = database_.columns(query.sql.text, &at);
    if (columns) {
      check_columns(query, *columns, mistakes);
      continue;
    }
    mistakes.push_back(query.sql.mistake(at.value_or(query.sql.text.size()),
                                         at ? word_length(query.sql.text, *at) : 1,
                                         columns.error().message));
  }
  for (const spec::DashboardAction& action : dashboard.actions)
    check_action(action, graph_, mistakes);
  return mistakes;
}

}  // namespace gameflow::api
