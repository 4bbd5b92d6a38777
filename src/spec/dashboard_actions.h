// Buttons of a dashboard's rows: each sends a record that is made of the row.
#pragma once

#include <vector>

#include <boost/json/object.hpp>

#include "spec/dashboard.h"
#include "spec/reader.h"
#include "spec/yaml_tree.h"

namespace gameflow::spec {

// What of an action its section cannot say. Appends the action, and to `query`, that of its rows,
// the columns that its record takes from the row, and those that it cannot take.
void read_action(Report& report, const Node& node, const boost::json::object& action,
                 DashboardQuery& query, std::vector<DashboardAction>& actions);

}  // namespace gameflow::spec
