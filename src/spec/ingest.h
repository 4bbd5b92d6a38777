// What comes in over HTTP: by which ids topics know records that come again, and which events go
// where.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "spec/diagnostic.h"

namespace gameflow::spec {

// Records whose field has the same value are one record. The path is of names in JSON:
// "parameters.transaction_id".
struct IdRule {
  std::string field;
  std::optional<Duration> within;  // nothing: as long as the topic keeps the record

  friend bool operator==(const IdRule&, const IdRule&) = default;
};

// Events of one name. Fields are paths as above.
struct EventRoute {
  std::string event;
  std::string topic;
  std::optional<std::string> key;        // what becomes the key
  std::string time = "event_timestamp";  // when it happened, by the clock of the client
  std::optional<std::string> platform;   // what kind of client it is
};

// POST /events.
struct Ingest {
  std::vector<EventRoute> routes;  // by name
  std::uint64_t events_max = 0, event_bytes_max = 0;
  Duration clock_drift;  // a clock that is farther off is corrected
};

}  // namespace gameflow::spec
