// Services: what they read, compute, keep and write.
#include "spec/sections.h"

namespace gameflow::spec {
namespace {

using enum ValueKind;

constexpr std::string_view kTopicWord[] = {"topic"};
constexpr std::string_view kTransformWords[] = {"map", "filter", "filter-map", "flat-map"};
constexpr std::string_view kStateTypes[] = {"keyed-state"};
constexpr std::string_view kRowTypes[] = {"arrow-row"};
constexpr std::string_view kLateWords[] = {"drop"};

constexpr Field kTransforms = {.key = "transforms",
                               .kind = kList,
                               .doc = "what is done to each record, in this order",
                               .section = &kTransform};
constexpr Field kRun = {
    .key = "run", .kind = kCode, .is_required = true, .doc = "C++ that defines one function"};

constexpr Field kServiceFields[] = {
    {.key = "sources",
     .kind = kList,
     .is_required = true,
     .doc = "topics to read; those without `transforms` are of one type",
     .hint = "for example '- { type: topic, id: player-events }'",
     .min = 1,
     .section = &kSource},
    kTransforms,
    {.key = "states",
     .kind = kNamed,
     .doc = "rows by key, at most 32 states; required with a window",
     .hint = "what the service counts or sums for each key",
     .min = 1,
     .names = &kStateName,
     .section = &kState},
    {.key = "window",
     .kind = kMap,
     .doc = "how events become results; without one each record goes its own way",
     .section = &kWindow},
    {.key = "sinks",
     .kind = kList,
     .doc = "topics to write, none of them a source; required without a window",
     .hint = "for example '- { type: topic, id: summaries }'",
     .min = 1,
     .section = &kSink},
};
constexpr KnownButRefused kServiceRefused[] = {
    {"post-transforms", "'post-transforms' are not supported yet", kSupported},
    {"partition", "'partition' outside of 'window' is not supported yet", kSupported},
    {"imports", "'imports' are not supported yet", kSupported},
    {"merge", "'merge' is not supported yet", kSupported},
    {"split", "'split' is not supported yet", kSupported},
    {"join", "'join' is not supported yet", kSupported},
    {"schedule", "'schedule' is not supported yet", kSupported},
};

constexpr KnownButRefused kRefusedSources[] = {
    {"state", "a source of type 'state' is not supported yet", "write 'type: topic'"},
    {"connector", "a source of type 'connector' is not supported yet", "write 'type: topic'"},
    {"http", "a source of type 'http' is not supported yet", "write 'type: topic'"},
};
constexpr KnownButRefused kRefusedSinks[] = {
    {"state", "a sink of type 'state' is not supported yet", "write 'type: topic'"},
    {"connector", "a sink of type 'connector' is not supported yet", "write 'type: topic'"},
    {"http", "a sink of type 'http' is not supported yet", "write 'type: topic'"},
};

constexpr Field kSourceFields[] = {
    {.key = "type",
     .kind = kWord,
     .is_required = true,
     .doc = "what is read",
     .hint = "write 'type: topic'",
     .what = "type of a source",
     .words = kTopicWord,
     .refused_words = kRefusedSources},
    {.key = "id",
     .is_required = true,
     .doc = "the key of a topic with a schema",
     .hint = "the name of a topic",
     .what = "the name of a topic"},
    kTransforms,
    {.key = "starting-offset",
     .kind = kWordOrMap,
     .doc = "where the service starts when it reads the topic for the first time; later it "
            "continues where it stopped. Without it, as `config` says",
     .words = kOffsetWords,
     .section = &kOffset},
};
constexpr Field kSinkFields[] = {
    {.key = "type",
     .kind = kWord,
     .is_required = true,
     .doc = "what is written",
     .hint = "write 'type: topic'",
     .what = "type of a sink",
     .words = kTopicWord,
     .refused_words = kRefusedSinks},
    {.key = "id",
     .is_required = true,
     .doc = "the key of a topic; one without schema takes any type",
     .hint = "the name of a topic",
     .what = "the name of a topic"},
    kTransforms,
};

constexpr Field kTransformFields[] = {
    {.key = "operator",
     .kind = kWord,
     .is_required = true,
     .doc = "what `run` does to a record",
     .what = "operator",
     .words = kTransformWords},
    kRun,
};
constexpr Field kFunctionFields[] = {kRun};
constexpr KnownButRefused kFunctionRefused[] = {
    {"uses", "functions of packages ('uses') are not supported yet",
     "write the code below 'run: |'"}};

// ---- states

constexpr KnownButRefused kRefusedStates[] = {
    {"ref", "a state of type 'ref' is not supported yet", "write 'type: keyed-state'"},
    {"system", "a state of type 'system' is not supported yet", "write 'type: keyed-state'"},
};
constexpr Field kStateFields[] = {
    {.key = "type",
     .kind = kWord,
     .is_required = true,
     .doc = "one row for each key, in each window",
     .hint = "write 'type: keyed-state'",
     .what = "type of a state",
     .words = kStateTypes,
     .refused_words = kRefusedStates},
    {.key = "properties",
     .kind = kMap,
     .is_required = true,
     .doc = "the key and the row",
     .hint = "write 'properties: { key: …, value: … }'",
     .section = &kStateProperties},
};
constexpr KnownButRefused kStateRefused[] = {
    {"from", "a state of another service is not supported yet",
     "write to a topic that the other service reads"},
    {"ttl", "'ttl' is not supported yet", "a row lives as long as its window"},
};

constexpr Field kStatePropertyFields[] = {
    {.key = "key",
     .kind = kMap,
     .is_required = true,
     .doc = "a `type`: string, bool or an integer, the same for all states of a service",
     .hint = "write 'key: { type: string }'",
     .section = &kKeyType},
    {.key = "value",
     .kind = kMap,
     .is_required = true,
     .doc = "the row",
     .hint = "write 'value: { type: arrow-row, properties: … }'",
     .section = &kRow},
};

constexpr Field kRowFields[] = {
    {.key = "type",
     .kind = kWord,
     .is_required = true,
     .doc = "a row of columns",
     .hint = "write 'type: arrow-row'",
     .words = kRowTypes},
    {.key = "properties",
     .kind = kNamed,
     .is_required = true,
     .doc = "its columns, name to type",
     .hint = "write 'properties: { count: { type: u32 } }'",
     .min = 1,
     .names = &kFieldName,
     .section = &kColumn},
};

// ---- windows

constexpr Field kWindowFields[] = {
    {.key = "tumbling",
     .kind = kMap,
     .is_required = true,
     .doc = "windows of one length, one after the other",
     .hint = "write 'tumbling: { duration: 5s }'",
     .section = &kTumbling},
    {.key = "assign-timestamp",
     .kind = kMap,
     .is_required = true,
     .doc = "when an event happened, ms UTC",
     .hint = "the C++ that tells the time of an event",
     .section = &kFunction},
    {.key = "watermark",
     .kind = kMap,
     .doc = "how long to wait for stragglers",
     .section = &kWatermark},
    {.key = "late",
     .kind = kWordOrMap,
     .fallback = "drop",
     .doc = "what happens to events that arrive after their window has closed; they are counted "
            "either way",
     .words = kLateWords,
     .section = &kLate},
    {.key = "partition",
     .kind = kMap,
     .is_required = true,
     .doc = "what is done for each key",
     .hint = "write 'assign-key' and 'update-state' below it",
     .section = &kPartition},
    {.key = "flush",
     .kind = kMap,
     .is_required = true,
     .doc = "the result of a closed window",
     .hint = "the C++ that makes the result of a window",
     .section = &kFunction},
};
constexpr KnownButRefused kWindowRefused[] = {
    {"sliding", "sliding windows are not supported yet", "write 'tumbling: { duration: 5s }'"},
    {"session", "session windows are not supported yet", "write 'tumbling: { duration: 5s }'"},
    {"hopping", "hopping windows are not supported yet", "write 'tumbling: { duration: 5s }'"},
    {"transforms", "'transforms' in a window are not supported yet", kSupported},
    {"grace-period", "'grace-period' stands in 'watermark'",
     "write 'watermark: { grace-period: 2s }'"},
    {"idleness", "'idleness' stands in 'watermark'", "write 'watermark: { idleness: 5s }'"},
    {"assign-key", "'assign-key' stands in 'partition'", "indent it below 'partition:'"},
    {"update-state", "'update-state' stands in 'partition'", "indent it below 'partition:'"},
};

constexpr Field kTumblingFields[] = {
    {.key = "duration",
     .kind = kDuration,
     .is_required = true,
     .doc = "the length of a window. Windows are `[start, end)` and start at multiples of it since "
            "1970, UTC",
     .hint = "write 'duration: 5s'",
     .min = 1}};
constexpr KnownButRefused kTumblingRefused[] = {
    {"offset", "'offset' is not supported yet",
     "windows start at multiples of their duration since 1970, UTC"}};

constexpr Field kWatermarkFields[] = {
    {.key = "grace-period",
     .kind = kDuration,
     .fallback = "0s",
     .doc = "a window closes when the watermark reaches its end plus this; leaving it out gives a "
            "warning"},
    {.key = "idleness",
     .kind = kDuration,
     .fallback = "5s",
     .doc = "a partition that shows no event time for this long no longer holds up the others",
     .min = 1},
};

constexpr Field kLateFields[] = {
    {.key = "topic",
     .is_required = true,
     .doc = "the key of a topic of the events' type, or without schema",
     .hint = "where late events go",
     .what = "the name of a topic"}};

constexpr Field kPartitionFields[] = {
    {.key = "assign-key",
     .kind = kMap,
     .is_required = true,
     .doc = "the key of an event",
     .hint = "the C++ that tells the key of an event",
     .section = &kFunction},
    {.key = "update-state",
     .kind = kMap,
     .is_required = true,
     .doc = "changes the rows of the event's key",
     .hint = "the C++ that puts an event into the state",
     .section = &kFunction},
};
constexpr KnownButRefused kPartitionRefused[] = {
    {"transforms", "'transforms' in a partition are not supported yet", kSupported}};

}  // namespace

constinit const Section kService = {"service", "a service", kServiceFields, kServiceRefused, {}};
constinit const Section kSource = {"source", "a source", kSourceFields, {}, {}};
constinit const Section kSink = {"sink", "a sink", kSinkFields, {}, {}};
constinit const Section kTransform = {
    "transform", "a transform", kTransformFields, kFunctionRefused, {}};
constinit const Section kFunction = {
    "function", "an operator", kFunctionFields, kFunctionRefused, {}};

constinit const Section kState = {"state", "a state", kStateFields, kStateRefused, {}};
constinit const Section kStateProperties = {
    "state-properties", "'properties' of a state", kStatePropertyFields, {}, {}};
constinit const Section kRow = {"row", "the value of a state", kRowFields, {}, {}};

constinit const Section kWindow = {"window", "a window", kWindowFields, kWindowRefused, {}};
constinit const Section kTumbling = {
    "tumbling", "'tumbling'", kTumblingFields, kTumblingRefused, {}};
constinit const Section kWatermark = {"watermark", "'watermark'", kWatermarkFields, {}, {}};
constinit const Section kLate = {"late", "'late'", kLateFields, {}, {}};
constinit const Section kPartition = {
    "partition", "'partition'", kPartitionFields, kPartitionRefused, {}};

}  // namespace gameflow::spec
