// Joins: what is read, and every mistake with what the user reads then.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "spec/model.h"
#include "spec/test_util.h"

namespace gameflow::spec {
namespace {

constexpr std::string_view kGood = R"(apiVersion: 0.6.0
meta: { name: demo, version: 0.1.0 }
types:
  click: { type: object, properties: { user: { type: string }, item: { type: string }, at: { type: i64 } } }
  purchase: { type: object, properties: { user: { type: string }, cents: { type: i64 }, at: { type: i64 } } }
topics:
  clicks: { schema: { value: { type: click } } }
  purchases: { schema: { value: { type: purchase } } }
  late: {}
  joined: { schema: { value: { type: purchase } } }
services:
  together:
    join:
      left:
        topic: purchases
        assign-timestamp: { run: "i64 at(const Purchase& p) { return p.at; }" }
        assign-key: { run: "Text user(const Purchase& p) { return p.user; }" }
      right:
        topic: clicks
        transforms: [{ filter: { run: "bool named(const Click& c) { return c.item.size() > 0; }" } }]
        assign-timestamp: { run: "i64 at(const Click& c) { return c.at; }" }
        assign-key: { run: "Text user(const Click& c) { return c.user; }" }
        starting-offset: end
      within: { before: 30m, after: 5s }
      type: left
      watermark: { grace-period: 2s, idleness: 7s }
      late: { topic: late }
      run: "Purchase of(const Purchase& p, const Click*) { return p; }"
    transforms: [{ filter: { run: "bool all(const Purchase&) { return true; }" } }]
    sinks: [{ type: topic, id: joined }]
)";

TEST(Joins, AreRead) {
  const ParseResult result = parse(kGood, "f");
  ASSERT_TRUE(result.dataflow) << render(result.diagnostics, "f", kGood);
  EXPECT_EQ(render(result.diagnostics, "f", kGood), "");
  const Service& service = result.dataflow->services[0];
  ASSERT_EQ(service.sources.size(), 2U);
  EXPECT_EQ(service.sources[0].topic, "purchases");
  EXPECT_EQ(service.sources[1].topic, "clicks");
  EXPECT_EQ(service.sources[1].transforms.size(), 1U);
  EXPECT_EQ(service.sources[0].start, StartOffset::kBeginning);
  EXPECT_EQ(service.sources[1].start, StartOffset::kEnd);
  ASSERT_TRUE(service.join);
  const Join& join = *service.join;
  EXPECT_EQ(join.before, Duration{1'800'000});
  EXPECT_EQ(join.after, Duration{5'000});
  EXPECT_EQ(join.type, JoinType::kLeft);
  EXPECT_EQ(join.grace, Duration{2'000});
  EXPECT_EQ(join.idle_timeout, Duration{7'000});
  EXPECT_EQ(join.late, LatePolicy::kToTopic);
  EXPECT_EQ(join.late_topic, "late");
  EXPECT_EQ(join.left.assign_key.code.text, "Text user(const Purchase& p) { return p.user; }");
  EXPECT_EQ(join.run.code.text, "Purchase of(const Purchase& p, const Click*) { return p; }");
  EXPECT_EQ(service.transforms.size(), 1U);
}

class Mistakes : public testing::TestWithParam<Edit> {};

TEST_P(Mistakes, AreTold) {
  expect_told(kGood, GetParam());
}

constexpr Edit kEdits[] = {
    {"NoLeft", R"(      left:
        topic: purchases
        assign-timestamp: { run: "i64 at(const Purchase& p) { return p.at; }" }
        assign-key: { run: "Text user(const Purchase& p) { return p.user; }" }
)",
     R"()", R"(f:14:7: error: 'join' needs 'left'
   14 |       right:
      |       ^
      = write 'topic', 'assign-timestamp' and 'assign-key' below it
)"},
    {"NoRight", R"(      right:
        topic: clicks
        transforms: [{ filter: { run: "bool named(const Click& c) { return c.item.size() > 0; }" } }]
        assign-timestamp: { run: "i64 at(const Click& c) { return c.at; }" }
        assign-key: { run: "Text user(const Click& c) { return c.user; }" }
        starting-offset: end
)",
     R"()", R"(f:14:7: error: 'join' needs 'right'
   14 |       left:
      |       ^
      = write 'topic', 'assign-timestamp' and 'assign-key' below it
)"},
    {"BesideSources", R"(    join:
)",
     R"(    sources: [{ type: topic, id: clicks }]
    join:
)",
     R"(f:14:5: error: 'join' stands in place of 'sources'
   14 |     join:
      |     ^~~~
      = remove one of them: a join reads the topics of 'left' and 'right'
)"},
    {"NoTopic", R"(        topic: purchases
)",
     R"()", R"(f:15:9: error: 'left' needs 'topic'
   15 |         assign-timestamp: { run: "i64 at(const Purchase& p) { return p.at; }" }
      |         ^
      = the name of a topic
)"},
    {"JoinMisspelled", "    join:", "    joins:",
     R"(f:13:5: error: unknown key 'joins' in a service
   13 |     joins:
      |     ^~~~~
      = did you mean 'join'?
)"},
    {"BeforeMisspelled", "within: { before: 30m, after: 5s }", "within: { befor: 30m }",
     R"(f:24:17: error: unknown key 'befor' in 'within'
   24 |       within: { befor: 30m }
      |                 ^~~~~
      = did you mean 'before'?
)"},
    {"CalledId", R"(        topic: purchases
)",
     R"(        id: purchases
)",
     R"(f:15:9: error: in a side of a join 'id' is called 'topic'
   15 |         id: purchases
      |         ^~
      = write 'topic: player-events'
)"},
    {"WithType", R"(        topic: purchases
)",
     R"(        type: topic
        topic: purchases
)",
     R"(f:15:9: error: a side of a join is always a topic, and has no 'type'
   15 |         type: topic
      |         ^~~~
      = remove it
)"},
    {"UnknownTopic", R"(topic: purchases)", R"(topic: purchase)",
     R"(f:15:16: error: there is no topic 'purchase'
   15 |         topic: purchase
      |                ^~~~~~~~
      = did you mean 'purchases'?
)"},
    {"NoSchema", R"(topic: purchases)", R"(topic: late)",
     R"(f:15:16: error: topic 'late' has no schema, so operators cannot read it
   15 |         topic: late
      |                ^~~~
      = give the topic a 'schema: { value: { type: … } }'
)"},
    {"SameTopic", R"(topic: clicks)", R"(topic: purchases)",
     R"(f:19:16: error: topic 'purchases' is the other side already
   19 |         topic: purchases
      |                ^~~~~~~~~
      = to join a topic with itself, let another service copy it to a second one
)"},
    {"NoTimestamp",
     R"(        assign-timestamp: { run: "i64 at(const Purchase& p) { return p.at; }" }
)",
     R"()", R"(f:15:9: error: 'left' needs 'assign-timestamp'
   15 |         topic: purchases
      |         ^
      = the C++ that tells the time of an event
)"},
    {"NoKey", R"(        assign-key: { run: "Text user(const Purchase& p) { return p.user; }" }
)",
     R"()", R"(f:15:9: error: 'left' needs 'assign-key'
   15 |         topic: purchases
      |         ^
      = the C++ that tells the key of an event
)"},
    {"KeyForBoth", R"(      within:)",
     R"(      assign-key: { run: "Text user(const Purchase& p) { return p.user; }" }
      within:)",
     R"(f:24:7: error: 'assign-key' stands in 'left' and in 'right'
   24 |       assign-key: { run: "Text user(const Purchase& p) { return p.user; }" }
      |       ^~~~~~~~~~
      = write one for each side
)"},
    {"TransformsInJoin", R"(      within:)",
     R"(      transforms: []
      within:)",
     R"(f:24:7: error: 'transforms' stand beside 'join', or in 'left' and 'right'
   24 |       transforms: []
      |       ^~~~~~~~~~
      = beside 'join:' they are for what the join makes
)"},
    {"NoWithin", R"(      within: { before: 30m, after: 5s }
)",
     R"()", R"(f:14:7: error: 'join' needs 'within'
   14 |       left:
      |       ^
      = write 'within: { before: 30m, after: 0s }'
)"},
    {"WithinOfNothing", R"({ before: 30m, after: 5s })", R"({})",
     R"(f:24:15: error: 'within' needs 'before' or 'after'
   24 |       within: {}
      |               ^
      = write 'within: { before: 30m, after: 0s }'
)"},
    {"Negative", R"(before: 30m)", R"(before: -30m)",
     R"(f:24:25: error: 'before' has to be a duration
   24 |       within: { before: -30m, after: 5s }
      |                         ^~~~
      = a whole number and a unit: 250ms, 5s, 10m, 1h or 7d
)"},
    {"NoUnit", R"(before: 30m)", R"(before: 30)", R"(f:24:25: error: 'before' has to be a duration
   24 |       within: { before: 30, after: 5s }
      |                         ^~
      = a whole number and a unit: 250ms, 5s, 10m, 1h or 7d
)"},
    {"BeforeOutside", R"(within: { before: 30m, after: 5s })", R"(before: 30m)",
     R"(f:24:7: error: 'before' stands in 'within'
   24 |       before: 30m
      |       ^~~~~~
      = write 'within: { before: 30m, after: 0s }'
)"},
    {"WithinOneSide", R"({ before: 30m, after: 5s })", R"({ after: 5s })", ""},
    {"UnknownInWithin", R"(before: 30m)", R"(befor: 30m)",
     R"(f:24:17: error: unknown key 'befor' in 'within'
   24 |       within: { befor: 30m, after: 5s }
      |                 ^~~~~
      = did you mean 'before'?
)"},
    {"UnknownType", R"(type: left)", R"(type: lft)", R"(f:25:13: error: unknown type of a join 'lft'
   25 |       type: lft
      |             ^~~
      = did you mean 'left'?
)"},
    {"RightType", R"(type: left)", R"(type: right)",
     R"(f:25:13: error: there is no join of type 'right'
   25 |       type: right
      |             ^~~~~
      = exchange 'left' and 'right', and write 'type: left'
)"},
    {"OuterType", R"(type: left)", R"(type: outer)",
     R"(f:25:13: error: joins of type 'outer' are not supported
   25 |       type: outer
      |             ^~~~~
      = write 'type: inner' or 'type: left'
)"},
    {"NoGrace", R"({ grace-period: 2s, idleness: 7s })", R"({ idleness: 7s })",
     R"(f:26:18: warning: service 'together' has no 'grace-period': a left event that arrives after a later one may be late
   26 |       watermark: { idleness: 7s }
      |                  ^
      = write 'watermark: { grace-period: 2s }', or 0s if events arrive in order
)"},
    {"NoWatermark", R"(      watermark: { grace-period: 2s, idleness: 7s }
)",
     R"()",
     R"(f:24:7: warning: service 'together' has no 'grace-period': a left event that arrives after a later one may be late
   24 |       within: { before: 30m, after: 5s }
      |       ^~~~~~
      = write 'watermark: { grace-period: 2s }', or 0s if events arrive in order
)"},
    {"GraceOutside", R"(watermark: { grace-period: 2s, idleness: 7s })", R"(grace-period: 2s)",
     R"(f:26:7: error: 'grace-period' stands in 'watermark'
   26 |       grace-period: 2s
      |       ^~~~~~~~~~~~
      = write 'watermark: { grace-period: 2s }'
)"},
    {"LateWord", R"(late: { topic: late })", R"(late: keep)",
     R"(f:27:13: error: 'late' has to be 'drop' or a topic, not 'keep'
   27 |       late: keep
      |             ^~~~
      = write 'late: drop' or 'late: { topic: late-events }'
)"},
    {"LateTopicOfOneSide", R"(late: { topic: late })", R"(late: { topic: joined })",
     R"(f:27:22: error: late events keep their type, but topic 'joined' has type 'purchase', and topic 'clicks' has type 'click'
   27 |       late: { topic: joined }
      |                      ^~~~~~
      = send them to a topic without schema
)"},
    {"LateTopicIsASide", R"(late: { topic: late })", R"(late: { topic: clicks })",
     R"(f:27:22: error: topic 'clicks' is a side of the join: late events would come back
   27 |       late: { topic: clicks }
      |                      ^~~~~~
      = send them to another topic
)"},
    {"LateReopens", R"(late: { topic: late })", R"(late: { reopen-for: 1h })",
     R"(f:27:15: error: 'reopen-for' is for windows
   27 |       late: { reopen-for: 1h }
      |               ^~~~~~~~~~
      = a longer 'grace-period' makes a join wait longer; 'topic' says where late events go
)"},
    {"OtherKeyForRun", R"(      run: "Purchase of(const Purchase& p, const Click*) { return p; }"
)",
     R"(      body: "Purchase of(const Purchase& p, const Click*) { return p; }"
)",
     R"(f:28:7: error: unknown key 'body' in 'join'
   28 |       body: "Purchase of(const Purchase& p, const Click*) { return p; }"
      |       ^~~~
      = did you mean 'run', which is missing?
)"},
    {"OtherKeyForSpan", R"(within: { before: 30m, after: 5s })", R"(within: { within: 30m })",
     R"(f:24:17: error: unknown key 'within' in 'within'
   24 |       within: { within: 30m }
      |                 ^~~~~~
      = known: before, after
)"},
    {"NoRun", R"(      run: "Purchase of(const Purchase& p, const Click*) { return p; }"
)",
     R"()", R"(f:14:7: error: 'join' needs 'run'
   14 |       left:
      |       ^
      = the C++ that makes one record of two: 'U join(const L& left, const R* right)'
)"},
    {"RunOfRust", R"("Purchase of(const Purchase& p, const Click*) { return p; }")",
     R"("fn of(p: Purchase, c: Option<Click>) -> Result<Purchase> { Ok(p) }")",
     R"(f:28:13: error: this is Rust ('fn of'): operators are written in C++ here
   28 |       run: "fn of(p: Purchase, c: Option<Click>) -> Result<Purchase> { Ok(p) }"
      |             ^~~~~
      = write for example
        Purchase of(const Purchase& left, const Click* right) { return left; }
)"},
    {"RunAsMap", R"(run: "Purchase of(const Purchase& p, const Click*) { return p; }")",
     R"(run: { run: "Purchase of(const Purchase& p, const Click*) { return p; }" })",
     R"(f:28:12: error: 'run' has to be C++ code, this is a map
   28 |       run: { run: "Purchase of(const Purchase& p, const Click*) { return p; }" }
      |            ^
      = write 'run: |' and below it, indented, for example
        Purchase join(const Purchase& left, const Click* right) { return left; }
)"},
    {"NoSinks", R"(    sinks: [{ type: topic, id: joined }]
)",
     R"()", R"(f:12:3: error: service 'together' has no 'sinks': it would do nothing
   12 |   together:
      |   ^~~~~~~~
      = for example 'sinks: [{ type: topic, id: summaries }]'
)"},
    {"SinkIsASide", R"({ type: topic, id: joined })", R"({ type: topic, id: clicks })",
     R"(f:30:32: error: topic 'clicks' is a source and a sink: the service would feed itself
   30 |     sinks: [{ type: topic, id: clicks }]
      |                                ^~~~~~
      = write to another topic
)"},
    {"WithPartition", R"(    sinks:)",
     R"(    partition: { assign-key: { run: "Text user(const Purchase& p) { return p.user; }" } }
    sinks:)",
     R"(f:30:5: error: a service with 'join' cannot have a 'partition'
   30 |     partition: { assign-key: { run: "Text user(const Purchase& p) { return p.user; }" } }
      |     ^~~~~~~~~
      = write the joined records to a topic, and let a second service with the 'partition' read it
)"},
    {"WithWindow", R"(    sinks:)",
     R"(    window: { tumbling: { duration: 5s } }
    sinks:)",
     R"(f:30:5: error: a service with 'join' cannot have a 'window'
   30 |     window: { tumbling: { duration: 5s } }
      |     ^~~~~~
      = write the joined records to a topic, and let a second service with the 'window' read it
)"},
    {"WithStates", R"(    sinks:)",
     R"(    states: { seen: { type: keyed-state, properties: { key: { type: string }, value: { type: u32 } } } }
    sinks:)",
     R"(f:30:5: error: service 'together' has states, but neither 'partition' nor 'window'
   30 |     states: { seen: { type: keyed-state, properties: { key: { type: string }, value: { type: u32 } } } }
      |     ^~~~~~
      = a service with 'join' reads those of others, with 'from': keep rows in a second service, which reads what the join writes
)"},
    {"LeftBesideJoin", R"(    join:
      left:)",
     R"(    left: {}
    join:
      left:)",
     R"(f:13:5: error: 'left' stands in 'join'
   13 |     left: {}
      |     ^~~~
      = indent it below 'join:'
)"},
};

INSTANTIATE_TEST_SUITE_P(Joins, Mistakes, testing::ValuesIn(kEdits), name_of);

}  // namespace
}  // namespace gameflow::spec
