// Services: what they read, compute, keep and write.
#include "spec/sections.h"
#include "spec/shared_fields.h"

namespace gameflow::spec {
namespace {

using enum ValueKind;

constexpr std::string_view kTopicWord[] = {"topic"};
constexpr std::string_view kSourceWords[] = {"topic", "schedule"};
constexpr std::string_view kTransformWords[] = {"map", "filter", "filter-map", "flat-map"};
constexpr std::string_view kStateTypes[] = {"keyed-state"};
constexpr std::string_view kRowTypes[] = {"arrow-row", "primitive", "string",   "bool", "i8",
                                          "i16",       "i32",       "i64",      "u8",   "u16",
                                          "u32",       "u64",       "f32",      "f64",  "float32",
                                          "float64",   "decimal",   "timestamp"};
constexpr std::string_view kLateWords[] = {"drop"};
constexpr std::string_view kErrorWords[] = {"dead-letter", "skip", "fail"};

constexpr Field kRun = {.key = "run", .kind = kCode, .doc = "C++ that defines one function"};
constexpr Field kUses = {.key = "uses",
                         .doc = "an imported function of a package, in place of `run`",
                         .what = "the name of a function"};

constexpr Field kServiceFields[] = {
    {.key = "sources",
     .kind = kList,
     .doc = "topics to read; those without `transforms` are of one type; required without `join`",
     .hint = "for example '- { type: topic, id: player-events }'",
     .min = 1,
     .section = &kSource},
    {.key = "join",
     .kind = kMap,
     .doc = "two topics whose events are put together by key and time; in place of `sources`",
     .section = &kJoining},
    kTransforms,
    {.key = "states",
     .kind = kNamed,
     .doc = "rows by key, at most 32 states; one of its own is required with a window or partition",
     .hint = "what the service counts or sums for each key",
     .min = 1,
     .names = &kStateName,
     .section = &kState},
    {.key = "window",
     .kind = kMap,
     .doc = "how events become results; without it and `partition` each record goes its own way",
     .section = &kWindow},
    {.key = "partition",
     .kind = kMap,
     .doc = "rows by key that live until they are erased or run out; in place of `window`",
     .section = &kPartition},
    {.key = "sinks",
     .kind = kList,
     .doc = "topics to write, none of them a source; required without `window` and `partition`",
     .hint = "for example '- { type: topic, id: summaries }'",
     .min = 1,
     .section = &kSink},
    {.key = "on-error",
     .kind = kWord,
     .fallback = "dead-letter",
     .doc =
         "what becomes of a record that does not decode or whose operator throws: it goes to the "
         "dead letters, is only counted, or stops the service",
     .words = kErrorWords},
};
constexpr KnownButRefused kServiceRefused[] = {
    {"post-transforms", "'post-transforms' are not supported yet", kSupported},
    {"imports", "'imports' stand at the top of the file", "move them there"},
    {"merge", "'merge' is not supported yet", kSupported},
    {"split", "'split' is not supported yet", kSupported},
    {"left", "'left' stands in 'join'", "indent it below 'join:'"},
    {"right", "'right' stands in 'join'", "indent it below 'join:'"},
    {"within", "'within' stands in 'join'", "indent it below 'join:'"},
    {"schedule", "'schedule' stands at the top of the file",
     "here write a source, '- { type: schedule, id: … }'"},
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
     .words = kSourceWords,
     .refused_words = kRefusedSources},
    {.key = "id",
     .is_required = true,
     .doc = "the key of a topic with a schema, or of a schedule",
     .hint = "the name of a topic",
     .what = "the name of a source"},
    kTransforms,
    {.key = "starting-offset",
     .kind = kWordOrMap,
     .doc = "where the service starts when it reads the topic for the first time; later it "
            "continues where it stopped. Without it, as the topic or else `config` says",
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
    kUses,
    kDependencies,
};
constexpr Field kFunctionFields[] = {kRun, kUses, kDependencies};
constexpr Field kDependencyFields[] = {{.key = "name",
                                        .is_required = true,
                                        .doc = "what pkg-config calls it",
                                        .hint = "for example 'name: re2'",
                                        .what = "the name of a dependency"}};
// ---- states

constexpr KnownButRefused kRefusedStates[] = {
    {"ref", "a state of type 'ref' is not supported yet", "write 'type: keyed-state'"},
    {"system", "a state of type 'system' is not supported yet", "write 'type: keyed-state'"},
};
constexpr Field kStateFields[] = {
    {.key = "type",
     .kind = kWord,
     .doc = "one row for each key, in each window if there are windows",
     .hint = "write 'type: keyed-state'",
     .what = "type of a state",
     .words = kStateTypes,
     .refused_words = kRefusedStates},
    {.key = "properties",
     .kind = kMap,
     .doc = "the key and the row",
     .hint = "write 'properties: { key: …, value: … }'",
     .section = &kStateProperties},
    {.key = "from",
     .doc =
         "`SERVICE.STATE`: a state of another service, without window, to be read by key; in place "
         "of all else",
     .hint = "for example 'from: price-keeper.prices'",
     .what = "the state of another service"},
    {.key = "uses",
     .doc = "an imported state of a package, in place of all else; or nothing at all, for one of "
            "this name",
     .what = "the name of a state"},
};
constexpr KnownButRefused kStateRefused[] = {
    {"ttl", "'ttl' stands in 'value', beside 'type'", "indent it below 'value:'"},
    {"on-expire", "'on-expire' stands in 'value', beside 'ttl'", "indent it below 'value:'"},
};
constexpr KnownButRefused kStatePropertiesRefused[] = {
    {"ttl", "'ttl' stands in 'value', beside 'type'", "indent it below 'value:'"},
    {"on-expire", "'on-expire' stands in 'value', beside 'ttl'", "indent it below 'value:'"},
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
     .doc = "a row of columns; or a single value, `primitive` or its type",
     .hint = "write 'type: arrow-row'",
     .words = kRowTypes},
    {.key = "properties",
     .kind = kNamed,
     .doc = "of a row its columns, name to type; of a `primitive` its `value`",
     .hint = "write 'properties: { count: { type: u32 } }'",
     .min = 1,
     .names = &kFieldName,
     .section = &kColumn},
    {.key = "merge",
     .kind = kWord,
     .doc = "of a single value: how two of one key become one",
     .words = kMergeWords},
    {.key = "ttl",
     .kind = kDuration,
     .doc = "a row that no record has used for this long is removed: by event time where there is "
            "`assign-timestamp`. Without a window only",
     .min = 1},
    {.key = "on-expire",
     .kind = kMap,
     .doc = "what a row says when its `ttl` has run out",
     .section = &kFunction},
};

constexpr Variant kRowVariants[] = {{"decimal", kDecimalFields}, {"timestamp", kTimestampFields}};

// ---- windows

constexpr Field kWindowFields[] = {
    {.key = "tumbling",
     .kind = kMap,
     .doc = "windows of one length, one after the other; or",
     .section = &kTumbling},
    {.key = "sliding",
     .kind = kMap,
     .doc = "windows of one length that overlap; or",
     .section = &kSliding},
    {.key = "session",
     .kind = kMap,
     .doc = "windows of one key each, as long as its events follow each other",
     .section = &kSession},
    {.key = "assign-timestamp",
     .kind = kMap,
     .is_required = true,
     .doc = "when an event happened, ms UTC",
     .hint = "the C++ that tells the time of an event",
     .section = &kFunction},
    {.key = "transforms",
     .kind = kList,
     .doc = "what is done to each record behind `assign-timestamp`, in this order",
     .section = &kTransform},
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
    {.key = "emit",
     .kind = kMap,
     .doc = "early results of windows that are open",
     .section = &kEmit},
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
     .section = &kFlushing},
};
constexpr KnownButRefused kWindowRefused[] = {
    {"gap", "'gap' stands in 'session'", "write 'session: { gap: 30m }'"},
    {"hopping", "'hopping' windows are called 'sliding' here",
     "write 'sliding: { duration: 60s, slide: 1s }'"},
    {"reopen-for", "'reopen-for' stands in 'late'", "write 'late: { reopen-for: 1h }'"},
    {"every", "'every' stands in 'emit'", "write 'emit: { every: 10s }'"},
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
     .min = 1},
    {.key = "offset",
     .kind = kDuration,
     .fallback = "0s",
     .doc = "windows start so much later: days at 06:00 with `6h`, weeks on Monday with `4d`"},
    {.key = "timezone",
     .doc = "windows start at multiples of what clocks show there: days of 23 and 25 hours where "
            "they are changed",
     .hint = "for example 'timezone: Europe/Berlin'",
     .what = "the name of a time zone"},
};
constexpr Field kSlidingFields[] = {
    {.key = "duration",
     .kind = kDuration,
     .is_required = true,
     .doc = "the length of a window",
     .hint = "write 'duration: 60s'",
     .min = 1},
    {.key = "slide",
     .kind = kDuration,
     .is_required = true,
     .doc = "windows are `[start, end)`, one every `slide`, at multiples of it since 1970, UTC",
     .hint = "write 'slide: 1s'",
     .min = 1},
    {.key = "offset", .kind = kDuration, .fallback = "0s", .doc = "windows start so much later"},
};
constexpr KnownButRefused kSlidingRefused[] = {
    {"size", "unknown key 'size' in 'sliding'", "did you mean 'duration'?"},
    {"period", "unknown key 'period' in 'sliding'", "did you mean 'slide'?"},
    {"advance", "unknown key 'advance' in 'sliding'", "did you mean 'slide'?"},
    {"timezone", "'timezone' is for 'tumbling' windows",
     "windows start at multiples of 'slide' since 1970, UTC"},
};

constexpr Field kSessionFields[] = {
    {.key = "gap",
     .kind = kDuration,
     .is_required = true,
     .doc = "a session ends so long after its last event; an event that comes exactly then begins "
            "the next one",
     .hint = "write 'gap: 30m'",
     .min = 1},
    {.key = "max",
     .kind = kDuration,
     .doc = "a session takes no event that is so long, or longer, after its first one: it begins "
            "the next one",
     .min = 1},
};
constexpr KnownButRefused kSessionRefused[] = {
    {"duration", "unknown key 'duration' in 'session'",
     "'gap' is how long a session waits for its next event, 'max' how long it may be"},
    {"timeout", "unknown key 'timeout' in 'session'", "did you mean 'gap'?"},
    {"inactivity", "unknown key 'inactivity' in 'session'", "did you mean 'gap'?"},
    {"max-duration", "unknown key 'max-duration' in 'session'", "did you mean 'max'?"},
    {"grace-period", "'grace-period' stands in 'watermark'",
     "write 'watermark: { grace-period: 2s }' beside 'session'"},
    {"offset", "'offset' is for 'tumbling' and 'sliding' windows",
     "remove it: sessions begin with their first event"},
    {"timezone", "'timezone' is for 'tumbling' windows",
     "remove it: sessions begin with their first event"},
};

constexpr Field kEmitFields[] = {
    {.key = "every",
     .kind = kDuration,
     .is_required = true,
     .doc = "by the clock: a window that has changed since its last result gives one of kind "
            "`early`",
     .hint = "write 'every: 10s'",
     .min = 1}};
constexpr KnownButRefused kEmitRefused[] = {
    {"on-change", "'on-change' is not supported", "write 'every: 1s'"}};

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
     .doc = "the key of a topic of the events' type, or without schema",
     .hint = "where late events go",
     .what = "the name of a topic"},
    {.key = "reopen-for",
     .kind = kDuration,
     .doc = "a closed window takes events so much longer, and gives one more result, of kind "
            "`corrected`; then they are late",
     .min = 1},
};

constexpr Field kFlushFields[] = {
    {.key = "run", .kind = kCode, .doc = "C++ that defines one function; or"},
    {.key = "each", .kind = kMap, .doc = "a record for each row", .section = &kFunction},
    kUses,
    kDependencies,
};

constexpr Field kPartitionFields[] = {
    {.key = "assign-timestamp",
     .kind = kMap,
     .doc = "when an event happened, ms UTC; without a window only, which has its own",
     .section = &kFunction},
    {.key = "assign-key",
     .kind = kMap,
     .is_required = true,
     .doc = "the key of an event",
     .hint = "the C++ that tells the key of an event",
     .section = &kFunction},
    {.key = "transforms",
     .kind = kList,
     .doc = "what is done to each record at the rows of its key, in this order; what leaves them "
            "goes on "
            "to `update-state` and, without a window, to the sinks",
     .section = &kTransform},
    {.key = "update-state",
     .kind = kMap,
     .doc = "changes the rows of the event's key; required where there are no `transforms`",
     .hint = "the C++ that puts an event into the state",
     .section = &kFunction},
};
constexpr KnownButRefused kPartitionRefused[] = {
    {"flush", "'flush' stands in 'window'", "without a window, SQL and the sinks see the rows"}};

}  // namespace

constinit const Section kService = {"service", "a service", kServiceFields, kServiceRefused, {}};
constinit const Section kSource = {"source", "a source", kSourceFields, {}, {}};
constinit const Section kSink = {"sink", "a sink", kSinkFields, {}, {}};
constinit const Section kTransform = {"transform", "a transform", kTransformFields, {}, {}};
constinit const Section kFunction = {"function", "an operator", kFunctionFields, {}, {}};

constinit const Section kDependency = {"dependency", "a dependency", kDependencyFields, {}, {}};

constinit const Section kState = {"state", "a state", kStateFields, kStateRefused, {}, true};
constinit const Section kStateProperties = {"state-properties",
                                            "'properties' of a state",
                                            kStatePropertyFields,
                                            kStatePropertiesRefused,
                                            {}};
constinit const Section kRow = {"row", "the value of a state", kRowFields, {}, kRowVariants};

constinit const Section kWindow = {"window", "a window", kWindowFields, kWindowRefused, {}};
constinit const Section kTumbling = {"tumbling", "'tumbling'", kTumblingFields, {}, {}};
constinit const Section kSliding = {"sliding", "'sliding'", kSlidingFields, kSlidingRefused, {}};
constinit const Section kSession = {"session", "'session'", kSessionFields, kSessionRefused, {}};
constinit const Section kEmit = {"emit", "'emit'", kEmitFields, kEmitRefused, {}};
constinit const Section kFlushing = {"flush", "'flush'", kFlushFields, {}, {}};
constinit const Section kWatermark = {"watermark", "'watermark'", kWatermarkFields, {}, {}};
constinit const Section kLate = {"late", "'late'", kLateFields, {}, {}};
constinit const Section kPartition = {
    "partition", "'partition'", kPartitionFields, kPartitionRefused, {}};

}  // namespace gameflow::spec
