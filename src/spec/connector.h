// The file of a connector as a checked model. Reference: docs/connectors/README.md.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gameflow/connect/connector.h>

#include "base/error.h"
#include "base/time.h"
#include "spec/diagnostic.h"
#include "spec/model.h"

namespace gameflow::spec {

// Where records go whose field says nothing that is known.
enum class RouteOtherwise : std::uint8_t { kTopic, kDrop, kDeadLetter };

// Which topic a record goes to, by a field of it.
struct Route {
  std::string field;                                        // its dotted path
  std::vector<std::pair<std::string, std::string>> topics;  // by what the field says
  RouteOtherwise otherwise = RouteOtherwise::kTopic;
};

struct Connector {
  std::string file_name;
  std::string name, version;  // meta
  connect::Kind kind;
  connect::Settings settings;
  // Of a sink, those it reads, at least one. Of a source, the one of records that say no other;
  // none where `route` leaves nothing to it.
  std::vector<std::string> topics;
  std::optional<std::uint32_t> partition;  // of a sink: only this one
  std::uint64_t batch_bytes = 1U << 20;    // of a request
  Duration linger = {0};                   // for how long a source's batch may wait for more
  // Dotted paths into what a source brings: its key, and what is stored; without, all of it is.
  std::optional<std::string> key_field, value_field;
  std::optional<Route> route;
  // Of a source: what its records go through first, in a service from topic `input` to `output`.
  std::optional<Dataflow> transforms;

  bool is_source() const { return kind.make_source != nullptr; }
};

// What stands for a secret in a value of a kind's section.
struct SecretReference {
  enum class Kind : std::uint8_t {
    kEnvironment,  // ${env:NAME}
    kFile,         // ${file:PATH}
    kNamed,        // ${{ secrets.NAME }}, declared in `meta`
  };
  Kind kind = Kind::kEnvironment;
  std::string name;
};

// The secret, or why there is none: a message that does not contain one.
using FindSecret = std::function<Result<std::string>(const SecretReference&)>;

struct ConnectorResult {
  std::optional<Connector> connector;   // absent if there are errors
  std::vector<Diagnostic> diagnostics;  // may hold secrets that a value is made of: see `find`
};

// Reads and checks a connector's file, finding all mistakes at once. Without `find` references are
// checked for their form, and stay as they are. Never throws, whatever the bytes.
ConnectorResult parse_connector(std::string_view source, std::string file_name,
                                std::span<const connect::Kind> kinds, const FindSecret& find);

}  // namespace gameflow::spec
