// A dataflow as a typed operator graph: what opbuild generates code for and runtime runs.
//
// Also the home of the names that YAML things get in C++: `player-event` is PlayerEvent, state
// `events-per-user` is events_per_user().
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

// "player-event" -> "PlayerEvent" and "events-per-user" -> "events_per_user". Always a valid C++
// identifier: names that C++ or the SDK has taken get an underscore at the end, those that start
// with a digit one in front.
std::string to_pascal_case(std::string_view yaml_name);
std::string to_snake_case(std::string_view yaml_name);

// The C++ member of a field: its own name wherever C++ allows that, otherwise `user-id` -> user_id
// and `class` -> class_.
std::string cpp_field(std::string_view yaml_name);

// The C++ spelling of a type: "Text", "u32", "List<PlayerEventCount>", "PlayerEvent".
std::string cpp_type(const record::Type& type);

// The graph for people: a few lines per service with topics, types, window and states.
std::string explain(const Plan& plan);

}  // namespace gameflow::plan
