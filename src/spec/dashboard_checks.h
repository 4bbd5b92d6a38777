// What of a dashboard the rows of its sections cannot say.
#pragma once

#include <boost/json.hpp>

#include "spec/reader.h"
#include "spec/yaml_tree.h"

namespace gameflow::spec {

// Gives the panels of the row the widths that are left, and the row its height.
void check_row(Report& report, const Node& node, boost::json::object& row);
void check_time(Report& report, const Fields& fields);
void check_thresholds(Report& report, const Node& list, const boost::json::array& thresholds);
void check_unit(Report& report, const Node& node);
void check_variable(Report& report, const Node& node, const boost::json::object& variable);

}  // namespace gameflow::spec
