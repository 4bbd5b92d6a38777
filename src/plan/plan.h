// A dataflow as a typed operator graph: what opbuild generates code for and runtime runs.
//
// Threads  pure functions; a Plan is immutable once made.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "record/type.h"
#include "spec/model.h"

namespace gameflow::plan {

struct StatePlan {
  std::string name;        // YAML name
  std::string table;       // SQL table and C++ accessor: events_per_user
  std::string row_struct;  // C++: EventsPerUserRow, unique in the service
  record::Kind key;
  const record::Type* row;
};

struct ServicePlan {
  const spec::Service* spec;
  std::string scope;              // C++ namespace of its operators: player_session_analytics
  std::vector<StatePlan> states;  // their position is the state's bit in abi `changed`
};

struct Plan {
  std::shared_ptr<const spec::Dataflow> dataflow;
  std::vector<ServicePlan> services;
};

Plan make_plan(std::shared_ptr<const spec::Dataflow> dataflow);

// The C++ spelling of a type: "Text", "u32", "List<PlayerEventCount>", "PlayerEvent".
std::string cpp_type(const record::Type& type);

// The graph for people: a few lines per service with topics, types, window and states.
std::string explain(const Plan& plan);

}  // namespace gameflow::plan
