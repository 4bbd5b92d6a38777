// What comes in over HTTP.
#include "spec/names.h"
#include "spec/sections.h"

namespace gameflow::spec {
namespace {

using enum ValueKind;

constexpr Field kDeduplicateFields[] = {
    {.key = "field",
     .is_required = true,
     .doc = "the field that is the id, by its name in JSON: `event_id`, "
            "`parameters.transaction_id`. Records without it are all stored",
     .hint = "for example 'field: event_id'"},
    {.key = "within",
     .kind = kDuration,
     .doc = "how long an id is known; without it as long as the topic keeps the record",
     .min = 1'000},
};

constexpr Field kIngestFields[] = {
    {.key = "routes",
     .kind = kNamed,
     .is_required = true,
     .doc = "where events go: from their `event_name` to a topic",
     .hint = "for example 'routes: { player_action: { topic: player-events } }'",
     .min = 1,
     .names = &kEventName,
     .section = &kEventRoute},
    {.key = "clock-drift",
     .kind = kDuration,
     .fallback = "60s",
     .doc = "a client's clock that is off by more is corrected",
     .min = 1'000},
    {.key = "events-max",
     .kind = kCount,
     .fallback = "10000",
     .doc = "events of one request",
     .min = 1,
     .max = 1'000'000},
    {.key = "event-bytes-max", .kind = kBytes, .fallback = "64KiB", .doc = "bytes of one event"},
};

constexpr Field kRouteFields[] = {
    {.key = "topic",
     .is_required = true,
     .doc = "the key of a topic of this file",
     .hint = "for example 'topic: player-events'",
     .what = "the name of a topic"},
    {.key = "key",
     .doc = "the field that becomes the record's key: `user_data.user_id`. An event without it is "
            "rejected"},
    {.key = "time", .fallback = "event_timestamp", .doc = "the field that says when it happened"},
    {.key = "platform", .doc = "the field by which wrong clocks are counted: `user_data.platform`"},
};

}  // namespace

constinit const Section kDeduplicate = {
    "deduplicate", "an id of 'deduplicate'", kDeduplicateFields, {}, {}};
constinit const Section kIngest = {"ingest", "'ingest'", kIngestFields, {}, {}};
constinit const Section kEventRoute = {"event-route", "a route", kRouteFields, {}, {}};

constinit const NameRule kEventName = {"event", is_event_name,
                                       "1 to 200 bytes without control characters",
                                       "^[^\\x00-\\x1F\\x7F]{1,200}$"};

}  // namespace gameflow::spec
