// dataflow.yaml as a checked model: what parse() returns when there is no error. Every name is
// resolved, every value in range. Reference of the YAML itself: docs/reference/dataflow-yaml.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/cron.h"
#include "base/time.h"
#include "base/time_zone.h"
#include "record/type.h"
#include "spec/code.h"
#include "spec/diagnostic.h"
#include "spec/function.h"
#include "spec/ingest.h"
#include "spec/join.h"
#include "spec/window.h"

namespace gameflow::spec {

// Where a service starts in each partition of a source that it has not read before.
struct StartOffset {
  bool is_from_end = false;
  std::uint64_t records = 0;  // so many after the beginning, or before the end

  static const StartOffset kBeginning, kEnd;
  friend bool operator==(const StartOffset&, const StartOffset&) = default;
};
inline constexpr StartOffset StartOffset::kBeginning{};
inline constexpr StartOffset StartOffset::kEnd{.is_from_end = true};

struct Topic {
  std::string name;
  Position position;
  const record::Type* type = nullptr;  // null: no schema
  std::uint32_t partitions = 1;
  std::optional<Duration> retention_age;
  std::optional<std::uint64_t> retention_bytes;
  bool is_compacted = false;  // only the last record of each key has to stay
  bool allows_cycle = false;  // services may feed each other through it
  std::vector<IdRule> ids;    // by which records that come again are known
};

struct Source {
  std::string topic;
  Position position;
  StartOffset start = StartOffset::kBeginning;
  const record::Type* type = nullptr;  // of the topic
  std::vector<Function> transforms;
};

struct Sink {
  std::string topic;
  Position position;
  const record::Type* type = nullptr;  // of the topic; null: no schema, takes any type
  std::vector<Function> transforms;
};

// Another service's state, read by key under the name `name`.
struct StateReference {
  std::string name;
  Position position;
  std::string service, state;
};

// A file or topic whose rows are read by key.
struct Table {
  std::string name;
  Position position;
  std::string file;   // relative to the dataflow; empty: a topic
  std::string topic;  // the name
  const record::Type* type = nullptr;
  std::string key;  // a field of it: a string, a bool or an integer
};

// Times at which services have something to do: records of a topic of its own, ms UTC.
struct Schedule {
  std::string name;
  Position position;
  std::string topic;
  std::string cron_text;
  Cron cron;
  std::shared_ptr<const TimeZone> zone;
  bool catches_up = false;  // times that came while the program did not run are made up
};

// Where players are named, for those who want to be forgotten.
struct Players {
  std::vector<std::string> fields;    // of records and rows
  std::vector<std::string> mentions;  // fields that name one among other words
  std::vector<std::string> keys;      // services and topics whose keys are players, or hold one
};

// What is done for each key: in a window, or without one, where rows live until they are erased or
// run out.
struct Partition {
  std::optional<Function> assign_timestamp;  // without a window only
  Function assign_key = {FunctionKind::kAssignKey, {}, {}};
  std::vector<Function> transforms;
  std::optional<Function> update_state;
};

// What becomes of a record that does not decode or whose operator throws.
enum class ErrorPolicy : std::uint8_t {
  kDeadLetter,
  kSkip,  // it is counted
  kFail,  // the service stops there, until a restart
};

// Records go through the transforms of their source, then those of the service, then the window or
// partition if there is one; what comes out goes through the transforms of each sink. A type that
// transforms make is known to the C++ compiler alone.
struct Service {
  std::string name;
  Position position;
  // At least one; those without transforms are of one type. Of a join, left and right.
  std::vector<Source> sources;
  std::optional<Join> join;  // what it makes goes through the transforms
  std::vector<Function> transforms;
  std::vector<State> states;               // at least one with a partition, none without
  std::vector<StateReference> references;  // of `states`, with `from`
  bool has_bad_states = false;             // some are told to be wrong, and are not in `states`
  std::optional<Window> window;
  std::optional<Partition> partition;  // always with a window; absent: a stateless pipe
  std::vector<Sink> sinks;             // of a pipe, at least one
  ErrorPolicy on_error = ErrorPolicy::kDeadLetter;

  // The type of the sinks that have a schema and no transforms, which is the same for all of them:
  // what the service has to make. Null if there are no such sinks.
  const record::Type* output() const;
};

struct Dataflow {
  std::string file_name;                  // as given to parse(); used in #line and messages
  std::string name, version, namespace_;  // meta
  std::vector<SourceFile> files;          // by Position::file: this one, and those of packages
  std::shared_ptr<record::TypeTable> types;
  // The objects and lists of section `types` in file order, and their YAML names.
  std::vector<const record::Type*> named_types;
  std::vector<std::string> type_names;
  std::string dead_letter_topic = "dead-letters";
  Duration future_max = {300'000};  // the watermark never passes the clock by more than this
  std::vector<Topic> topics;
  std::vector<Table> tables;
  std::vector<Schedule> schedules;
  std::optional<Ingest> ingest;
  std::optional<Players> players;
  std::vector<Service> services;
  // Headers for all operators, relative to the dataflow.
  struct Include {
    std::string file;
    Position position;
  };
  std::vector<Include> includes;
  // Files of connectors and dashboards, relative to the dataflow.
  struct File {
    std::string file;
    Position position;
  };
  std::vector<File> connectors;
  std::optional<std::vector<File>> dashboards;  // nothing: those of the folder `dashboards`

  const Topic* find_topic(std::string_view topic_name) const;
};

struct ParseResult {
  std::optional<Dataflow> dataflow;     // absent if there are errors
  std::vector<Diagnostic> diagnostics;  // errors and warnings, by position
  std::vector<SourceFile> files;        // by Position::file
};

// How packages are found.
struct PackageSearch {
  std::vector<std::string> folders;  // --package-path
  // The text of a file; nothing: it cannot be read. Empty: there are no files.
  std::function<std::optional<std::string>(const std::string& name)> read;
};

// Reads and checks the text of a dataflow.yaml and of the packages that it imports, finding all
// mistakes at once. Never throws, whatever the bytes.
ParseResult parse(std::string_view source, std::string file_name, const PackageSearch& search = {});

}  // namespace gameflow::spec
