// The file of a dashboard, read and checked. Reference: docs/reference/dashboards.md.
//
// Its SQL is known as text here: who has the tables prepares it (api/dashboard_check.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "spec/diagnostic.h"
#include "spec/sql_text.h"

namespace gameflow::spec {

// A name, and where it stands.
struct NameUse {
  std::string name;
  Position position;
  std::uint32_t length = 1;
};

struct DashboardQuery {
  SqlText sql;
  std::string of;                  // "a figure", for messages
  bool is_of_variable = false;     // it makes its choices
  bool is_of_metric = false;       // columns but `value` are its labels
  std::vector<NameUse> columns;    // that its answer has to have
  std::vector<std::string> taken;  // those of them that are not for the open fields
  // kActionParameters that records of its rows' buttons have: a column of such a name is hidden.
  std::vector<NameUse> hiding = {};
  // Fields that need a column and name none: pages find one that fits among those not taken.
  std::vector<std::string> open;
};

struct DashboardLink {
  NameUse dashboard;
  std::vector<NameUse> variables;
};

// A button of a panel's rows, which sends a record. Texts `:NAME` in it stand for columns of the
// row, or kActionParameters.
struct DashboardAction {
  NameUse topic;
  boost::json::object record;
  Position position;  // of the record
  std::uint32_t length = 1;
};

// What may stand in an action's record beside columns: the time of the click, ISO 8601; an id of
// it; what was answered to its question.
inline constexpr std::string_view kActionParameters[] = {"now", "id", "answer"};

// What /metrics has, too. `query` has a column `value`; the others are labels.
struct DashboardMetric {
  std::string name, help, query;
  bool is_counter = false;
  std::size_t series_max = 0;
  std::int64_t every_ms = 0;
};

struct Dashboard {
  std::string name, title;  // the name is that of its file, without what is behind the point
  std::string address;      // another one that leads to it; empty: there is none
  std::vector<std::string> variables;
  std::vector<DashboardQuery> queries;
  std::vector<DashboardMetric> metrics;
  std::vector<DashboardLink> links;
  std::vector<DashboardAction> actions;
  // All of it, with the keys of the file, and what counts where one is left out. A query has the
  // names of its `parameters` beside it.
  boost::json::object json;
};

struct DashboardResult {
  std::optional<Dashboard> dashboard;  // absent if there are errors
  std::vector<Diagnostic> diagnostics;
};

// Reads and checks the text of the file `file_name`, finding all mistakes at once. Never throws,
// whatever the bytes.
DashboardResult parse_dashboard(std::string_view source, std::string_view file_name);

// Of `dashboard`: links to dashboards that are not among `all`, or to variables that they lack.
std::vector<Diagnostic> link_mistakes(const Dashboard& dashboard, std::span<const Dashboard> all);

}  // namespace gameflow::spec
