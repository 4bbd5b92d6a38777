// A dataflow as a typed graph: what opbuild generates code for and runtime runs. Nothing above plan
// knows YAML.
//
//   Read ─ Chain ─┐                           ┌─ Chain ─ Write
//                 ├─ (Exchange ─ Keyed) ──────┤
//   Read ─ Chain ─┘                           └───────── Write
//
// A merge is several edges into a node, a split several out of it. A Chain without functions is
// left out.
//
// Threads  immutable once made.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "record/type.h"
#include "spec/function.h"
#include "spec/model.h"

namespace gameflow::plan {

using NodeId = std::uint32_t;     // index in Graph::nodes
using TopicId = std::uint32_t;    // index in Graph::topics
using ServiceId = std::uint32_t;  // index in Graph::services
using StartOffset = spec::StartOffset;
using FunctionKind = spec::FunctionKind;

struct Topic {
  std::string name;
  const record::Type* type = nullptr;  // null: any JSON
  std::string type_name;               // as the YAML calls it: "player-event"; "any JSON"
  std::uint32_t partitions = 1;
  std::optional<Duration> retention_age;
  std::optional<std::uint64_t> retention_bytes;
  std::vector<NodeId> readers;  // the Read nodes of this topic
};

// A `run:` block.
struct Step {
  FunctionKind kind;
  std::string_view name;  // what dead letters call it: "filter", "assign-key"
  spec::Code code;
};

struct State {
  std::string name;   // in YAML
  std::string table;  // in SQL, and the accessor in C++: events_per_user
  record::Kind key = record::Kind::kString;
  const record::Type* row = nullptr;
};

struct WindowRules {
  Duration duration;  // tumbling; > 0
  Duration grace;     // a window closes when the watermark reaches its end + grace
  // A partition silent for this long no longer holds the watermark back.
  Duration idle_timeout;
  std::optional<TopicId> late_topic;  // where late records go; they are counted anyhow
};

// The kinds of nodes. `function` names are those of the library: "SERVICE/source/0".

struct Read {
  TopicId topic;
  StartOffset start;
  spec::Position position;  // of the source, in the YAML
};

// Functions fused into one: transforms, then in front of a window assign-timestamp and assign-key.
// RecordError::step is an index in `steps`.
struct Chain {
  std::string function;
  std::vector<Step> steps;
  // Of a source: the first ones are its own; the others stand in the chain of each source.
  std::size_t own_steps = 0;
};

// To the shards, by the key that the chains assigned.
struct Exchange {
  record::Kind key;
};

struct Keyed {
  std::vector<State> states;  // a state's place is its bit in abi::RowUse
  WindowRules window;
  std::string update_function;
  std::string flush_function;
  Step update;
  Step flush;
};

struct Write {
  TopicId topic;
  spec::Position position;  // of the sink, in the YAML
};

using NodeKind = std::variant<Read, Chain, Exchange, Keyed, Write>;

struct Node {
  NodeKind kind;
  ServiceId service = 0;
  // Of the values that leave the node (a Write: that it encodes); null where only the library can
  // tell. All inputs of a node have one type.
  const record::Type* output = nullptr;
  std::vector<NodeId> inputs;
  std::vector<NodeId> outputs;
};

struct Service {
  std::string name;
  std::string scope;          // C++ namespace of its operators: player_session_analytics
  std::vector<NodeId> nodes;  // each after its inputs
};

// A type of section `types`.
struct NamedType {
  std::string name;
  const record::Type* type;
};

struct Graph {
  std::string name, version, namespace_;
  std::string file_name;  // of the YAML, for messages
  std::shared_ptr<record::TypeTable> types;
  std::vector<NamedType> named_types;
  std::vector<Topic> topics;
  std::vector<Service> services;
  std::vector<Node> nodes;
  std::string dead_letter_topic;  // need not be among `topics`
  Duration future_max;            // how far ahead of the clock a window may open

  // Null: there is none.
  const Topic* find_topic(std::string_view topic_name) const;
};

// Makes the graph of a checked dataflow, which is not needed afterwards.
Graph lower(const spec::Dataflow& dataflow);

// Every `run:` block of the service once, in the order of the dataflow.
std::vector<const Step*> steps_of(const Graph& graph, const Service& service);

// A type as a person wrote it: "u32", "player-event", "list of player-event"; of null "any JSON".
std::string type_name(const Graph& graph, const record::Type* type);

// Whether what comes out of the function is of another type than what goes in.
bool changes_type(FunctionKind kind);

}  // namespace gameflow::plan
