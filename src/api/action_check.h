// Whether the records that a dashboard's buttons send fit their topics.
//
// Threads  any.
#pragma once

#include <vector>

#include "plan/graph.h"
#include "spec/dashboard.h"
#include "spec/diagnostic.h"

namespace gameflow::api {

// Appends what is wrong: a topic that does not exist, fields that its type does not have or misses,
// values that do not fit. What a column holds only its rows can tell: it counts as right.
void check_action(const spec::DashboardAction& action, const plan::Graph& graph,
                  std::vector<spec::Diagnostic>& mistakes);

}  // namespace gameflow::api
