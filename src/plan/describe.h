// The graph as plain data, for people and pages. Ids stay as long as the YAML keeps its order.
//
// Threads  pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plan/graph.h"

namespace gameflow::plan {

struct FunctionDescription {
  std::string name;  // "filter"
  std::string code;  // as it stands in the YAML
};

struct NodeDescription {
  std::string id;     // "player-session-analytics/source/0", "…/read/player-events", "…/window"
  std::string kind;   // "read", "chain", "exchange", "keyed", "join" or "write"
  std::string label;  // a line: "filter, map, assign-key"
  std::string type;   // of what leaves it; empty where only the compiler knows
  std::string topic;  // of "read" and "write"
  std::vector<FunctionDescription> functions;
  std::vector<std::string> states;  // "events-per-user: {count: u32} by string, in SQL …"
  std::vector<std::string> inputs;  // ids
};

struct ServiceDescription {
  std::string name;
  std::string on_error;                // "dead-letter", "skip" or "fail"
  std::vector<NodeDescription> nodes;  // each after its inputs
};

struct TopicDescription {
  std::string name;
  std::string type;
  std::uint32_t partitions;
};

struct Description {
  std::string name, version;
  std::vector<ServiceDescription> services;
  std::vector<TopicDescription> topics;
  std::string dead_letter_topic;
};

Description describe(const Graph& graph);

// As NodeDescription::id.
std::string id_of(const Graph& graph, const Node& node);

// As in the YAML.
std::string_view name_of(ErrorPolicy policy);

}  // namespace gameflow::plan
