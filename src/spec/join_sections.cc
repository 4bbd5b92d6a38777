// Joins: two topics that are put together.
#include "spec/sections.h"
#include "spec/shared_fields.h"

namespace gameflow::spec {
namespace {

using enum ValueKind;

constexpr std::string_view kLateWords[] = {"drop"};
constexpr std::string_view kJoinTypes[] = {"inner", "left"};  // in the order of JoinType

constexpr KnownButRefused kRefusedJoins[] = {
    {"right", "there is no join of type 'right'",
     "exchange 'left' and 'right', and write 'type: left'"},
    {"outer", "joins of type 'outer' are not supported", "write 'type: inner' or 'type: left'"},
    {"full", "joins of type 'full' are not supported", "write 'type: inner' or 'type: left'"},
};
constexpr Field kJoinFields[] = {
    {.key = "left",
     .kind = kMap,
     .is_required = true,
     .doc = "the events that each result is about",
     .hint = "write 'topic', 'assign-timestamp' and 'assign-key' below it",
     .section = &kJoinSide},
    {.key = "right",
     .kind = kMap,
     .is_required = true,
     .doc = "the events that they are put together with",
     .hint = "write 'topic', 'assign-timestamp' and 'assign-key' below it",
     .section = &kJoinSide},
    {.key = "within",
     .kind = kMap,
     .is_required = true,
     .doc = "how far apart the two may be",
     .hint = "write 'within: { before: 30m, after: 0s }'",
     .section = &kWithin},
    {.key = "type",
     .kind = kWord,
     .fallback = "inner",
     .doc = "`left`: a left event that meets none gives a result, too",
     .what = "type of a join",
     .words = kJoinTypes,
     .refused_words = kRefusedJoins},
    {.key = "watermark",
     .kind = kMap,
     .doc = "how long to wait for stragglers, of both sides",
     .section = &kWatermark},
    {.key = "late",
     .kind = kWordOrMap,
     .fallback = "drop",
     .doc = "what happens to events that arrive when all that they could meet has been decided; "
            "they are counted either way",
     .words = kLateWords,
     .section = &kJoinLate},
    {.key = "run",
     .kind = kCode,
     .is_required = true,
     .doc = "C++ that defines one function",
     .hint = "the C++ that makes one record of two: 'U join(const L& left, const R* right)'"},
    kDependencies,
};
constexpr KnownButRefused kJoinRefused[] = {
    {"before", "'before' stands in 'within'", "write 'within: { before: 30m, after: 0s }'"},
    {"after", "'after' stands in 'within'", "write 'within: { before: 30m, after: 0s }'"},
    {"grace-period", "'grace-period' stands in 'watermark'",
     "write 'watermark: { grace-period: 2s }'"},
    {"idleness", "'idleness' stands in 'watermark'", "write 'watermark: { idleness: 5s }'"},
    {"assign-key", "'assign-key' stands in 'left' and in 'right'", "write one for each side"},
    {"assign-timestamp", "'assign-timestamp' stands in 'left' and in 'right'",
     "write one for each side"},
    {"transforms", "'transforms' stand beside 'join', or in 'left' and 'right'",
     "beside 'join:' they are for what the join makes"},
};

constexpr Field kJoinSideFields[] = {
    {.key = "topic",
     .is_required = true,
     .doc = "the key of a topic with a schema",
     .hint = "the name of a topic",
     .what = "the name of a topic"},
    kTransforms,
    {.key = "assign-timestamp",
     .kind = kMap,
     .is_required = true,
     .doc = "when an event happened, ms UTC, behind the `transforms`",
     .hint = "the C++ that tells the time of an event",
     .section = &kFunction},
    {.key = "assign-key",
     .kind = kMap,
     .is_required = true,
     .doc = "the key of an event: text, an integer or a bool, the same on both sides",
     .hint = "the C++ that tells the key of an event",
     .section = &kFunction},
    {.key = "starting-offset",
     .kind = kWordOrMap,
     .doc = "where the service starts when it reads the topic for the first time, as in `sources`",
     .words = kOffsetWords,
     .section = &kOffset},
};
constexpr KnownButRefused kJoinSideRefused[] = {
    {"id", "in a side of a join 'id' is called 'topic'", "write 'topic: player-events'"},
    {"type", "a side of a join is always a topic, and has no 'type'", "remove it"},
    {"schedule", "a side of a join is always a topic", "write 'topic: player-events'"},
};

constexpr Field kWithinFields[] = {
    {.key = "before",
     .kind = kDuration,
     .fallback = "0s",
     .doc = "a right event may be so much earlier than the left one"},
    {.key = "after",
     .kind = kDuration,
     .fallback = "0s",
     .doc = "a right event may be so much later than the left one"},
};
constexpr Field kJoinLateFields[] = {
    {.key = "topic",
     .is_required = true,
     .doc = "the key of a topic of both sides' type, or without schema",
     .hint = "where late events go",
     .what = "the name of a topic"},
};
constexpr KnownButRefused kJoinLateRefused[] = {
    {"reopen-for", "'reopen-for' is for windows",
     "a longer 'grace-period' makes a join wait longer; 'topic' says where late events go"},
};

}  // namespace

constinit const Section kJoining = {"join", "'join'", kJoinFields, kJoinRefused, {}};
constinit const Section kJoinSide = {
    "join-side", "a side of a join", kJoinSideFields, kJoinSideRefused, {}};
constinit const Section kWithin = {"within", "'within'", kWithinFields, {}, {}};
constinit const Section kJoinLate = {"join-late", "'late'", kJoinLateFields, kJoinLateRefused, {}};

}  // namespace gameflow::spec
