// dataflow.yaml as a checked model: what parse() returns when there is no error. Every name is
// resolved, every value in range. Reference of the YAML itself: docs/reference/dataflow-yaml.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "record/type.h"
#include "spec/diagnostic.h"

namespace gameflow::spec {

// C++ of a `run:` block, as it stands in the file: for a block scalar each line keeps its
// indentation, so that a column in `text` is a column in the file. `position` is where the first
// line starts, {line, 1} for a block scalar.
struct Code {
  std::string text;
  Position position;
};

enum class StartOffset : std::uint8_t { kBeginning, kEnd };

struct Topic {
  std::string name;
  Position position;
  const record::Type* type = nullptr;  // null: no schema
  std::uint32_t partitions = 1;
  std::optional<Duration> retention_age;
  std::optional<std::uint64_t> retention_bytes;
};

struct Source {
  std::string topic;
  Position position;
  StartOffset start = StartOffset::kBeginning;
};

// A row state. `type` is the row: an object of scalars and strings, without optionals.
struct State {
  std::string name;
  Position position;
  record::Kind key = record::Kind::kString;  // kString, kBool or an integer kind
  const record::Type* type = nullptr;
};

enum class LatePolicy : std::uint8_t { kDrop, kTopic };  // both count

struct TumblingWindow {
  Duration duration;  // > 0
  Duration grace;     // a window closes when the watermark reaches its end + grace
  // A partition silent for this long no longer holds the watermark back.
  Duration idle_timeout = {5'000};
  LatePolicy late = LatePolicy::kDrop;
  std::string late_topic;  // kTopic only
  Code assign_timestamp;
};

struct Service {
  std::string name;
  Position position;
  std::vector<Source> sources;          // at least one; all of one type
  const record::Type* event = nullptr;  // the type of the sources' topics
  std::vector<State> states;
  TumblingWindow window;
  Code assign_key;
  Code update_state;
  Code flush;
  const record::Type* output = nullptr;  // what flush returns: the type of the sinks' topics
  std::vector<std::string> sinks;        // topic names, at least one
};

struct Dataflow {
  std::string file_name;                  // as given to parse(); used in #line and messages
  std::string name, version, namespace_;  // meta
  std::shared_ptr<record::TypeTable> types;
  // The objects and lists of section `types` in file order, and their YAML names.
  std::vector<const record::Type*> named_types;
  std::vector<std::string> type_names;
  std::string dead_letter_topic = "dead-letters";
  Duration future_max = {300'000};  // the watermark never passes the clock by more than this
  std::vector<Topic> topics;
  std::vector<Service> services;

  const Topic* find_topic(std::string_view topic_name) const;
};

struct ParseResult {
  std::optional<Dataflow> dataflow;     // absent if there are errors
  std::vector<Diagnostic> diagnostics;  // errors and warnings, by position
};

// Reads and checks the text of a dataflow.yaml, finding all mistakes at once. Never throws,
// whatever the bytes.
ParseResult parse(std::string_view source, std::string file_name);

}  // namespace gameflow::spec
