// A dataflow as a typed graph: what opbuild generates code for and runtime runs. Nothing above plan
// knows YAML.
//
//   Read ─ Chain ─┐                           ┌─ Chain ─ Write
//                 ├─ (Exchange ─ Keyed) ──────┤
//   Read ─ Chain ─┘                           └───────── Write
//
//   Read ─ Chain ─┐
//                 ├─ Exchange ─ Join ─ (as behind Keyed)
//   Read ─ Chain ─┘
//
// A merge is several edges into a node, a split several out of it. A Chain without functions is
// left out. Beside the edges, a service may read the rows of another one by key: Service::reads.
//
// Threads  immutable once made.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/cron.h"
#include "base/time.h"
#include "base/time_zone.h"
#include "plan/join.h"
#include "plan/keyed.h"
#include "record/type.h"
#include "spec/model.h"

namespace gameflow::plan {

struct Topic {
  std::string name;
  const record::Type* type = nullptr;  // null: any JSON
  std::string type_name;               // as the YAML calls it: "player-event"; "any JSON"
  std::uint32_t partitions = 1;
  std::optional<Duration> retention_age;
  std::optional<std::uint64_t> retention_bytes;
  bool is_compacted = false;
  std::vector<spec::IdRule> ids;  // by which records that come in over HTTP again are known
  std::vector<NodeId> readers;    // the Read nodes of this topic
};

// Its times are the records of a topic.
struct Schedule {
  std::string name;
  TopicId topic;
  std::string text;  // "0 8 * * * in UTC"
  Cron cron;
  std::shared_ptr<const TimeZone> zone;
  bool catches_up = false;
};

// Rows that a service can read by key: a state without window, its own or another service's, or a
// table. The accessor takes the key: prices(key).
struct Reference {
  std::string accessor;  // and its name in SQL
  std::string name;      // in YAML
  struct OfState {
    ServiceId service;
    std::size_t state;  // of its Keyed
  };
  struct OfTable {
    TableId table;
  };
  std::variant<OfState, OfTable> to;
};

// Whether the rows are those of the service itself, which only its flush and sinks may read so.
inline bool is_own(const Reference& reference, ServiceId service) {
  const auto* const state = std::get_if<Reference::OfState>(&reference.to);
  return state != nullptr && state->service == service;
}

// A file, or a topic of which the last record of each key counts.
struct TableSource {
  std::string name, accessor;
  std::string file;  // relative to the dataflow; empty: a topic
  std::optional<TopicId> topic;
  const record::Type* row = nullptr;
  std::size_t key_field = 0;  // of it
  record::Kind key = record::Kind::kString;
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
  std::optional<record::Kind> key;  // nothing: only the library can tell
};

struct Write {
  TopicId topic;
  spec::Position position;  // of the sink, in the YAML
};

using NodeKind = std::variant<Read, Chain, Exchange, Keyed, Join, Write>;

struct Node {
  NodeKind kind;
  ServiceId service = 0;
  // Of the values that leave the node (a Write: that it encodes); null where only the library can
  // tell. All inputs of a node have one type, but those of an Exchange in front of a Join.
  const record::Type* output = nullptr;
  std::vector<NodeId> inputs;
  std::vector<NodeId> outputs;
};

struct Service {
  std::string name;
  std::string scope;          // C++ namespace of its operators: player_session_analytics
  std::vector<NodeId> nodes;  // each after its inputs
  // What it can read by key and in SQL beside the rows of the key at hand; its own states last.
  std::vector<Reference> reads = {};
  // Within an epoch, services of a lower rank have run: those whose states it reads, unless they
  // read its own, directly or not, and come behind it in the graph.
  std::uint32_t rank = 0;
  ErrorPolicy on_error = ErrorPolicy::kDeadLetter;

  // Rows of other services, which change; tables are there as a whole or not.
  bool reads_others(ServiceId self) const;
};

// A type of section `types`.
struct NamedType {
  std::string name;
  const record::Type* type;
};

struct Graph {
  std::string name, version, namespace_;
  std::string file_name;                // of the YAML, for messages
  std::vector<spec::SourceFile> files;  // by Position::file: the YAML, and those of packages
  std::shared_ptr<record::TypeTable> types;
  std::vector<NamedType> named_types;
  std::vector<Topic> topics;
  std::vector<TableSource> tables;
  std::vector<Schedule> schedules;
  std::optional<spec::Ingest> ingest;  // topics by name
  std::optional<spec::Players> players = {};
  // Headers for all operators: their names, relative to the dataflow, and what they say, once they
  // are read.
  struct Header {
    std::string file;
    spec::Position position;
    std::string text = {};
  };
  std::vector<Header> headers;
  std::vector<Service> services;
  std::vector<Node> nodes;
  std::string dead_letter_topic;  // need not be among `topics`
  Duration future_max;            // how far ahead of the clock a window may open

  // Null: there is none.
  const Topic* find_topic(std::string_view topic_name) const;
  // Null: it is no schedule's topic.
  const Schedule* schedule_of(TopicId topic) const;
  // Null: the service is a pipe.
  const Keyed* keyed_of(ServiceId service) const;
  const Keyed* keyed_of(const Service& service) const;
  // Null: it joins nothing.
  const Join* join_of(ServiceId service) const;
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
