// Whether the queries and actions of dashboards are right for a dataflow.
//
// Threads  one.
#pragma once

#include <list>
#include <vector>

#include "base/error.h"
#include "plan/graph.h"
#include "query/query.h"
#include "spec/dashboard.h"
#include "spec/diagnostic.h"

namespace gameflow::api {

class DashboardCheck {
 public:
  // Knows the states, tables and topics of the graph as Api::sql() does, but none of their rows.
  // The graph is borrowed.
  explicit DashboardCheck(const plan::Graph& graph);

  // Prepares each query, and looks for the columns that are named or needed; then whether the
  // records of actions fit their topics.
  std::vector<spec::Diagnostic> check(const spec::Dashboard& dashboard);

 private:
  const plan::Graph& graph_;
  std::list<query::Table> tables_;  // before the database, which borrows them
  query::Database database_;
  Status is_open_;
};

}  // namespace gameflow::api
