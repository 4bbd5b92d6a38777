// Windows and how rows merge: what is read, and every mistake with what the user reads then.
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <gtest/gtest.h>

#include "spec/model.h"
#include "spec/test_util.h"

namespace gameflow::spec {
namespace {

constexpr std::string_view kGood = R"(apiVersion: 0.6.0
meta: { name: demo, version: 0.1.0 }
types:
  click: { type: object, properties: { user: { type: string }, x: { type: f64 } } }
topics:
  clicks: { schema: { value: { type: click } } }
  late-clicks: {}
services:
  counting:
    sources:
      - { type: topic, id: clicks }
    states:
      seen:
        type: keyed-state
        properties:
          key: { type: string }
          value:
            type: arrow-row
            properties:
              count: { type: u32, merge: sum }
              name: { type: string, merge: last }
              tags: { type: list, items: { type: string }, merge: first }
    window:
      tumbling: { duration: 10s }
      watermark: { grace-period: 0s }
      assign-timestamp: { run: "i64 at(const Click&, i64 time) { return time; }" }
      partition:
        assign-key: { run: "Text key_of(const Click& c) { return c.user; }" }
        update-state: { run: "void count(const Click&) { seen().count += 1; }" }
      flush: { run: "Click none() { return {}; }" }
)";

TEST(Windows, AreRead) {
  const ParseResult result = parse(kGood, "f");
  ASSERT_TRUE(result.dataflow) << render(result.diagnostics, "f", kGood);
  EXPECT_EQ(render(result.diagnostics, "f", kGood), "");
  const Service& service = result.dataflow->services[0];
  EXPECT_EQ(service.states[0].merges,
            (std::vector<std::optional<Merge>>{Merge::kSum, Merge::kLast, Merge::kFirst}));
}

std::string with(std::initializer_list<std::pair<std::string_view, std::string_view>> changes) {
  std::string source(kGood);
  for (const auto& [from, to] : changes) {
    const std::size_t at = source.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    source.replace(at, from.size(), to);
  }
  return source;
}

Window window_of(const std::string& source) {
  const ParseResult result = parse(source, "f");
  EXPECT_EQ(render(result.diagnostics, "f", source), "");
  return result.dataflow ? *result.dataflow->services[0].window : Window{};
}

constexpr std::string_view kTumbling10 = "tumbling: { duration: 10s }";

TEST(Windows, OfEveryKindAreRead) {
  const Window local = window_of(
      with({{kTumbling10, "tumbling: { duration: 1d, offset: 6h, timezone: Europe/Berlin }"}}));
  const auto& tumbling = std::get<Tumbling>(local.shape);
  EXPECT_EQ(tumbling.duration, Duration{86'400'000});
  EXPECT_EQ(tumbling.offset, Duration{6 * 3'600'000});
  EXPECT_EQ(tumbling.zone->name(), "Europe/Berlin");

  const Window overlapping = window_of(with(
      {{kTumbling10,
        "sliding: { duration: 1m, slide: 1s, offset: 500ms }\n      emit: { every: 10s }\n      "
        "late: { reopen-for: 1h, topic: late-clicks }"},
       {"flush: { run: \"Click none() { return {}; }\" }",
        "flush: { each: { run: \"Click of(const SeenRow&) { return {}; }\" } }"}}));
  const auto& sliding = std::get<Sliding>(overlapping.shape);
  EXPECT_EQ(sliding.duration, Duration{60'000});
  EXPECT_EQ(sliding.slide, Duration{1'000});
  EXPECT_EQ(sliding.offset, Duration{500});
  EXPECT_TRUE(sliding.in_panes);
  EXPECT_EQ(overlapping.emit_every, Duration{10'000});
  EXPECT_EQ(overlapping.reopen_for, Duration{3'600'000});
  EXPECT_EQ(overlapping.late_topic, "late-clicks");
  EXPECT_EQ(overlapping.flush.kind, FunctionKind::kFlushEach);
}

TEST(Windows, OfSessionsAreRead) {
  const Window window = window_of(with({{kTumbling10, "session: { gap: 30m, max: 12h }"}}));
  const auto& session = std::get<Session>(window.shape);
  EXPECT_EQ(session.gap, Duration{30 * 60'000});
  EXPECT_EQ(session.max, Duration{12 * 3'600'000});
  EXPECT_EQ(std::get<Session>(window_of(with({{kTumbling10, "session: { gap: 1ms }"}})).shape).max,
            std::nullopt);
}

// Sketches know how they are merged.
TEST(Windows, OfSessionsNeedNoMergeOfSketches) {
  window_of(
      with({{kTumbling10, "session: { gap: 30m }"},
            {"count: { type: u32, merge: sum }",
             "count: { type: u32, merge: sum }\n              players: { type: distinct }"}}));
}

// What decides whether the rows of a sliding window are merged from panes.
TEST(Windows, AreMergedWhereNothingNeedsThemWhole) {
  const std::pair<std::string_view, std::string_view> slides{
      kTumbling10, "sliding: { duration: 1m, slide: 1s }"};
  const auto in_panes = [&](std::string_view from, std::string_view to) {
    return std::get<Sliding>(window_of(with({slides, {from, to}})).shape).in_panes;
  };
  constexpr std::string_view kUpdate = "seen().count += 1;";
  EXPECT_TRUE(in_panes(kUpdate, "seen().count += 2;  /* window() */"));
  EXPECT_FALSE(in_panes(kUpdate, "seen().count += window().start % 2;"));
  EXPECT_FALSE(in_panes(kUpdate, "seen().count += 1; erase(seen());"));
  EXPECT_FALSE(in_panes("name: { type: string, merge: last }", "name: { type: string }"));
}

TEST(Windows, ThatAreTooManyForAnEventAreRefused) {
  const std::string source =
      with({{kTumbling10, "sliding: { duration: 1025s, slide: 1s }"},
            {"name: { type: string, merge: last }", "name: { type: string }"}});
  EXPECT_EQ(
      render(parse(source, "f").diagnostics, "f", source),
      R"(f:24:42: error: each event would be in 1025 windows, each with rows of its own; the limit is 1024
   24 |       sliding: { duration: 1025s, slide: 1s }
      |                                          ^~
      = give every column of the states a 'merge', or choose a longer 'slide'
)");
}

class Windowed : public testing::TestWithParam<Edit> {};

TEST_P(Windowed, IsReported) {
  expect_told(kGood, GetParam());
}

constexpr Edit kCases[] = {
    {"MergeMistyped", "merge: sum", "merge: summ",
     R"(f:20:42: error: unknown merge 'summ'
   20 |               count: { type: u32, merge: summ }
      |                                          ^~~~
      = did you mean 'sum'?
)"},
    {"MergeWithoutSum", "merge: last", "merge: sum",
     R"(f:21:44: error: column 'name' is of type string: two of them have no sum
   21 |               name: { type: string, merge: sum }
      |                                            ^~~
      = write 'merge: min', 'max', 'first', 'last' or 'any'
)"},
    {"MergeOfAList", "merge: first", "merge: max",
     R"(f:22:67: error: column 'tags' is of type list: two of them have no max
   22 |               tags: { type: list, items: { type: string }, merge: max }
      |                                                                   ^~~
      = write 'merge: first', 'last' or 'any'
)"},
    {"NoKindOfWindow", "      tumbling: { duration: 10s }\n", "",
     R"(f:24:7: error: a window needs 'tumbling', 'sliding' or 'session'
   24 |       watermark: { grace-period: 0s }
      |       ^
      = write 'tumbling: { duration: 5s }'
)"},
    {"TwoKindsOfWindows", "tumbling: { duration: 10s }",
     "tumbling: { duration: 10s }\n      sliding: { duration: 10s, slide: 1s }",
     R"(f:25:7: error: a window is 'tumbling' or 'sliding', not both
   25 |       sliding: { duration: 10s, slide: 1s }
      |       ^~~~~~~
      = remove one of them
)"},
    {"HoppingWindows", "tumbling: { duration: 10s }", "hopping: { duration: 10s, slide: 1s }",
     R"(f:24:7: error: 'hopping' windows are called 'sliding' here
   24 |       hopping: { duration: 10s, slide: 1s }
      |       ^~~~~~~
      = write 'sliding: { duration: 60s, slide: 1s }'
)"},
    {"SessionMisspelled", "tumbling: { duration: 10s }", "sesion: { gap: 30m }",
     R"(f:24:7: error: unknown key 'sesion' in a window
   24 |       sesion: { gap: 30m }
      |       ^~~~~~
      = did you mean 'session'?
)"},
    {"SessionWithoutGap", "tumbling: { duration: 10s }", "session: { timeout: 30m }",
     R"(f:24:18: error: unknown key 'timeout' in 'session'
   24 |       session: { timeout: 30m }
      |                  ^~~~~~~
      = did you mean 'gap'?
)"},
    {"SessionMistyped", "tumbling: { duration: 10s }", "session: { gap: 30 min, mx: 12h }",
     R"(f:24:23: error: 'gap' has to be a duration
   24 |       session: { gap: 30 min, mx: 12h }
      |                       ^~~~~~
      = a whole number and a unit: 250ms, 5s, 10m, 1h or 7d
f:24:31: error: unknown key 'mx' in 'session'
   24 |       session: { gap: 30 min, mx: 12h }
      |                               ^~
      = did you mean 'max'?
)"},
    {"SessionOfNoTime", "tumbling: { duration: 10s }", "session: { gap: 0s }",
     R"(f:24:23: error: 'gap' has to be 1ms to 36500d
   24 |       session: { gap: 0s }
      |                       ^~
)"},
    {"SessionLikeATumblingWindow", "tumbling: { duration: 10s }",
     "session: { duration: 30m, gap: 1m, offset: 1h, timezone: UTC }",
     R"(f:24:18: error: unknown key 'duration' in 'session'
   24 |       session: { duration: 30m, gap: 1m, offset: 1h, timezone: UTC }
      |                  ^~~~~~~~
      = 'gap' is how long a session waits for its next event, 'max' how long it may be
f:24:42: error: 'offset' is for 'tumbling' and 'sliding' windows
   24 |       session: { duration: 30m, gap: 1m, offset: 1h, timezone: UTC }
      |                                          ^~~~~~
      = remove it: sessions begin with their first event
f:24:54: error: 'timezone' is for 'tumbling' windows
   24 |       session: { duration: 30m, gap: 1m, offset: 1h, timezone: UTC }
      |                                                      ^~~~~~~~
      = remove it: sessions begin with their first event
)"},
    {"SessionWithShortMax", "tumbling: { duration: 10s }", "session: { gap: 30m, max: 10m }",
     R"(f:24:33: warning: 'max' (10m) is shorter than 'gap' (30m): it alone ends sessions
   24 |       session: { gap: 30m, max: 10m }
      |                                 ^~~
      = make it longer
)"},
    {"SessionAndTumbling", "tumbling: { duration: 10s }",
     "session: { gap: 30m }\n      tumbling: { duration: 10s }",
     R"(f:24:7: error: a window is 'tumbling' or 'session', not both
   24 |       session: { gap: 30m }
      |       ^~~~~~~
      = remove one of them
)"},
    {"SessionWhoseGapIsAtTheWindow", "tumbling: { duration: 10s }", "gap: 30m",
     R"(f:24:7: error: 'gap' stands in 'session'
   24 |       gap: 30m
      |       ^~~
      = write 'session: { gap: 30m }'
)"},
    {"SessionEmitsNothingEarly", "tumbling: { duration: 10s }",
     "session: { gap: 30m }\n      emit: { every: 10s }\n      late: { reopen-for: 1h }",
     R"(f:25:7: error: 'emit' is for 'tumbling' and 'sliding' windows
   25 |       emit: { every: 10s }
      |       ^~~~
      = remove it: SQL sees the sessions that are open
f:26:15: error: 'reopen-for' is for 'tumbling' and 'sliding' windows
   26 |       late: { reopen-for: 1h }
      |               ^~~~~~~~~~
      = choose a longer 'grace-period', for which sessions wait for late events
)"},
    {"SlidingWithoutSlide", "tumbling: { duration: 10s }", "sliding: { duration: 10s }",
     R"(f:24:16: error: 'sliding' needs 'slide'
   24 |       sliding: { duration: 10s }
      |                ^
      = write 'slide: 1s'
)"},
    {"SlidingByAnotherName", "tumbling: { duration: 10s }",
     "sliding: { size: 10s, slide: 1s, timezone: UTC }",
     R"(f:24:18: error: unknown key 'size' in 'sliding'
   24 |       sliding: { size: 10s, slide: 1s, timezone: UTC }
      |                  ^~~~
      = did you mean 'duration'?
f:24:40: error: 'timezone' is for 'tumbling' windows
   24 |       sliding: { size: 10s, slide: 1s, timezone: UTC }
      |                                        ^~~~~~~~
      = windows start at multiples of 'slide' since 1970, UTC
)"},
    {"SlideTooLong", "tumbling: { duration: 10s }", "sliding: { duration: 10s, slide: 11s }",
     R"(f:24:40: error: 'slide' (11s) is longer than 'duration' (10s): events between two windows would be in none
   24 |       sliding: { duration: 10s, slide: 11s }
      |                                        ^~~
      = make it shorter, or write 'tumbling'
)"},
    {"TooManyPanes", "tumbling: { duration: 10s }", "sliding: { duration: 1h, slide: 7ms }",
     R"(f:24:39: error: a window of 1h every 7ms is made of 3600000 parts; the limit is 10000
   24 |       sliding: { duration: 1h, slide: 7ms }
      |                                       ^~~
      = choose a longer 'slide', of which 'duration' is a multiple
)"},
    {"TimezoneMistyped", "tumbling: { duration: 10s }",
     "tumbling: { duration: 1d, timezone: Europe/Berlim }",
     R"(f:24:43: error: there is no time zone 'Europe/Berlim'
   24 |       tumbling: { duration: 1d, timezone: Europe/Berlim }
      |                                           ^~~~~~~~~~~~~
      = did you mean 'Europe/Berlin'?
)"},
    {"TimezoneOutOfTheDatabase", "tumbling: { duration: 10s }",
     "tumbling: { duration: 1d, timezone: ../../etc/passwd, ofset: 1h }",
     R"(f:24:43: error: there is no time zone '../../etc/passwd'
   24 |       tumbling: { duration: 1d, timezone: ../../etc/passwd, ofset: 1h }
      |                                           ^~~~~~~~~~~~~~~~
      = for example 'timezone: Europe/Berlin'
f:24:61: error: unknown key 'ofset' in 'tumbling'
   24 |       tumbling: { duration: 1d, timezone: ../../etc/passwd, ofset: 1h }
      |                                                             ^~~~~
      = did you mean 'offset'?
)"},
    {"EmitWithoutEvery", "tumbling: { duration: 10s }",
     "tumbling: { duration: 10s }\n      emit: { on-change: true }",
     R"(f:25:15: error: 'on-change' is not supported
   25 |       emit: { on-change: true }
      |               ^~~~~~~~~
      = write 'every: 1s'
)"},
    {"EmitTooOften", "tumbling: { duration: 10s }",
     "tumbling: { duration: 10s }\n      emit: { every: 0s }",
     R"(f:25:22: error: 'every' has to be 1ms to 36500d
   25 |       emit: { every: 0s }
      |                      ^~
)"},
    {"LateWithNothing", "tumbling: { duration: 10s }",
     "tumbling: { duration: 10s }\n      late: { reopen: 1h }",
     R"(f:25:13: error: 'late' needs 'topic' or 'reopen-for'
   25 |       late: { reopen: 1h }
      |             ^
      = for example 'late: { reopen-for: 1h }'
f:25:15: error: unknown key 'reopen' in 'late'
   25 |       late: { reopen: 1h }
      |               ^~~~~~
      = known: topic, reopen-for
)"},
    {"FlushTwice", "flush: { run: \"Click none() { return {}; }\" }",
     "flush: { run: \"Click none() { return {}; }\", each: { run: \"[](const SeenRow&) { return "
     "Click{}; }\" } }",
     R"(f:30:16: error: 'flush' has 'run' and 'each'
   30 |       flush: { run: "Click none() { return {}; }", each: { run: "[](const SeenRow&) { return Click{}; }" } }
      |                ^~~
      = remove one of them
)"},
    {"EachWithoutCode", "flush: { run: \"Click none() { return {}; }\" }", "flush: { each: {} }",
     R"(f:30:22: error: 'each' needs 'run'
   30 |       flush: { each: {} }
      |                      ^
      = for example
        run: |
          Output result_of(const SeenRow& row) { return Output{}; }
)"},
};

INSTANTIATE_TEST_SUITE_P(All, Windowed, testing::ValuesIn(kCases), name_of);

// Columns of states in sessions.
class InSessions : public testing::TestWithParam<Edit> {};

TEST_P(InSessions, IsReported) {
  expect_told(with({{kTumbling10, "session: { gap: 30m }"}}), GetParam());
}

// The state's row in the dataflow.
constexpr const char* kRow = R"(            type: arrow-row
            properties:
              count: { type: u32, merge: sum }
              name: { type: string, merge: last }
              tags: { type: list, items: { type: string }, merge: first }
)";

constexpr Edit kSessionCases[] = {
    {"WithoutMerge", "count: { type: u32, merge: sum }",
     "count: { type: u32 }\n              is-new: { type: bool }\n              at: { type: "
     "timestamp }",
     R"(f:20:15: error: column 'count' of state 'seen' needs a 'merge': an event may join two sessions to one
   20 |               count: { type: u32 }
      |               ^~~~~
      = write 'merge: sum' beside its 'type', or how else the values of the two become one
f:21:15: error: column 'is-new' of state 'seen' needs a 'merge': an event may join two sessions to one
   21 |               is-new: { type: bool }
      |               ^~~~~~
      = write 'merge: any' beside its 'type', or how else the values of the two become one
f:22:15: error: column 'at' of state 'seen' needs a 'merge': an event may join two sessions to one
   22 |               at: { type: timestamp }
      |               ^~
      = write 'merge: max' beside its 'type', or how else the values of the two become one
)"},
    {"ListWithoutMerge", ", merge: first", "",
     R"(f:22:15: error: column 'tags' of state 'seen' needs a 'merge': an event may join two sessions to one
   22 |               tags: { type: list, items: { type: string } }
      |               ^~~~
      = write 'merge: last' beside its 'type', or how else the values of the two become one
)"},
    {"PrimitiveWithoutMerge", kRow, "            type: u64\n",
     R"(f:18:13: error: column 'value' of state 'seen' needs a 'merge': an event may join two sessions to one
   18 |             type: u64
      |             ^~~~
      = write 'type: primitive, properties: { value: { type: u64, merge: sum } }'
)"},
    {"UnknownMerge", "merge: sum", "merge: avg", R"(f:20:42: error: unknown merge 'avg'
   20 |               count: { type: u32, merge: avg }
      |                                          ^~~
      = known: sum, min, max, first, last, any
)"},
    {"MergeBesideTheRow", "            properties:\n              count: { type: u32, merge: sum }",
     "            merge: sum\n            properties:\n              count: { type: u32 }",
     R"(f:19:20: error: 'merge' stands beside the type of a column
   19 |             merge: sum
      |                    ^~~
      = for example 'properties: { count: { type: u32, merge: sum } }'
)"},
    {"MergeBesideThePrimitive", kRow,
     "            type: primitive\n            merge: sum\n"
     "            properties: { value: u32 }\n",
     R"(f:19:20: error: 'merge' stands beside the type of a column
   19 |             merge: sum
      |                    ^~~
      = for example 'properties: { value: { type: i32, merge: sum } }'
)"},
    {"PrimitiveWithoutProperties", kRow, "            type: primitive\n            merge: sum\n",
     R"(f:18:19: error: a primitive state needs 'properties'
   18 |             type: primitive
      |                   ^~~~~~~~~
      = write 'properties: { value: { type: i32 } }', or 'type: i32' alone
)"},
};

INSTANTIATE_TEST_SUITE_P(All, InSessions, testing::ValuesIn(kSessionCases), name_of);

}  // namespace
}  // namespace gameflow::spec
