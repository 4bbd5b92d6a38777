// What comes in over HTTP: what is read, and every mistake with what the user reads then.
#include <gtest/gtest.h>

#include "spec/model.h"
#include "spec/test_util.h"

namespace gameflow::spec {
namespace {

constexpr std::string_view kGood = R"(apiVersion: 0.6.0
meta: { name: demo, version: 0.1.0 }
types:
  event:
    type: object
    properties:
      event_id: { type: string, optional: true }
      user: { type: user }
  user: { type: object, properties: { id: { type: string }, platform: { type: string } } }
topics:
  events:
    name: events.v2
    schema: { value: { type: event } }
    deduplicate:
      - { field: event_id, within: 24h }
      - { field: user.id }
  other: {}
  bytes: { schema: { value: { type: bytes, converter: raw } } }
ingest:
  clock-drift: 5m
  events-max: 500
  routes:
    spawn point: { topic: other }
    player_action: { topic: events, key: user.id, platform: user.platform, time: at }
)";

TEST(Ingest, IsRead) {
  const ParseResult result = parse(kGood, "f");
  ASSERT_TRUE(result.dataflow) << render(result.diagnostics, "f", kGood);
  EXPECT_EQ(render(result.diagnostics, "f", kGood), "");
  const Dataflow& flow = *result.dataflow;
  EXPECT_EQ(flow.topics[0].ids,
            (std::vector<IdRule>{{"event_id", Duration{86'400'000}}, {"user.id", std::nullopt}}));
  ASSERT_TRUE(flow.ingest);
  EXPECT_EQ(flow.ingest->clock_drift, Duration{300'000});
  EXPECT_EQ(flow.ingest->events_max, 500U);
  EXPECT_EQ(flow.ingest->event_bytes_max, 65'536U);
  ASSERT_EQ(flow.ingest->routes.size(), 2U);
  const EventRoute& action = flow.ingest->routes[0];
  EXPECT_EQ(action.event, "player_action");
  EXPECT_EQ(action.topic, "events.v2");
  EXPECT_EQ(action.key, "user.id");
  EXPECT_EQ(action.platform, "user.platform");
  EXPECT_EQ(action.time, "at");
  const EventRoute& spawn = flow.ingest->routes[1];
  EXPECT_EQ(spawn.event, "spawn point");
  EXPECT_EQ(spawn.time, "event_timestamp");
  EXPECT_FALSE(spawn.key);
}

class WrongIngest : public testing::TestWithParam<Edit> {};

TEST_P(WrongIngest, IsReported) {
  expect_told(kGood, GetParam());
}

const Edit kCases[] = {
    {"UnknownTopic", "topic: other", "topic: othr",
     R"(f:23:27: error: there is no topic 'othr'
   23 |     spawn point: { topic: othr }
      |                           ^~~~
      = did you mean 'other'?
)"},
    {"NoTopic", "{ topic: other }", "{ key: a }",
     R"(f:23:18: error: a route needs 'topic'
   23 |     spawn point: { key: a }
      |                  ^
      = for example 'topic: player-events'
)"},
    {"RawTopic", "topic: other", "topic: bytes",
     R"(f:23:27: error: topic 'bytes' has raw records, and an event is an object
   23 |     spawn point: { topic: bytes }
      |                           ^~~~~
      = name another topic
)"},
    {"KeyNotInType", "key: user.id", "key: user.ide",
     R"(f:24:42: error: type event has no field 'user.ide'
   24 |     player_action: { topic: events, key: user.ide, platform: user.platform, time: at }
      |                                          ^~~~~~~~
      = did you mean 'id'?
)"},
    {"KeyIsObject", "key: user.id", "key: user",
     R"(f:24:42: error: field 'user' has to be a text, a whole number or a bool
   24 |     player_action: { topic: events, key: user, platform: user.platform, time: at }
      |                                          ^~~~
)"},
    {"PlatformNotInType", "platform: user.platform", "platform: usr.platform",
     R"(f:24:61: error: type event has no field 'usr.platform'
   24 |     player_action: { topic: events, key: user.id, platform: usr.platform, time: at }
      |                                                             ^~~~~~~~~~~~
      = did you mean 'user'?
)"},
    {"AnyPathWithoutType", "topic: other", "topic: other, key: a.b.c", ""},
    {"NoRoutes", "  routes:\n", "  router:\n",
     R"(f:22:3: error: unknown key 'router' in 'ingest'
   22 |   router:
      |   ^~~~~~
      = did you mean 'routes'?
)"},
    {"IdNotInType", "field: event_id", "field: eventid",
     R"(f:15:18: error: type event has no field 'eventid'
   15 |       - { field: eventid, within: 24h }
      |                  ^~~~~~~
      = did you mean 'event_id'?
)"},
    {"IdTwice", "field: user.id", "field: event_id",
     R"(f:16:18: error: field 'event_id' stands in 'deduplicate' twice
   16 |       - { field: event_id }
      |                  ^~~~~~~~
      = remove one
)"},
    {"NoField", "{ field: user.id }", "{ within: 5s }",
     R"(f:16:9: error: an id of 'deduplicate' needs 'field'
   16 |       - { within: 5s }
      |         ^
      = for example 'field: event_id'
)"},
    {"UnknownKey", "within: 24h", "for: 24h",
     R"(f:15:28: error: unknown key 'for' in an id of 'deduplicate'
   15 |       - { field: event_id, for: 24h }
      |                            ^~~
      = known: field, within
)"},
    {"IdOfRaw", "bytes: { schema", "bytes: { deduplicate: [{ field: a }], schema",
     R"(f:18:25: error: raw records have no fields that could be ids
   18 |   bytes: { deduplicate: [{ field: a }], schema: { value: { type: bytes, converter: raw } } }
      |                         ^
      = remove 'deduplicate'
)"},
    {"TooLittleDrift", "5m", "5ms",
     R"(f:20:16: error: 'clock-drift' has to be 1s to 36500d
   20 |   clock-drift: 5ms
      |                ^~~
)"},
    {"TooManyEvents", "500", "5000000",
     R"(f:21:15: error: 'events-max' has to be a whole number from 1 to 1000000
   21 |   events-max: 5000000
      |               ^~~~~~~
)"},
};

INSTANTIATE_TEST_SUITE_P(Cases, WrongIngest, testing::ValuesIn(kCases), name_of);

TEST(Ingest, IdsAreNotForWhatServicesWrite) {
  expect_told(
      std::string(kGood) + R"(services:
  copy:
    sources: [{ type: topic, id: other-events }]
    sinks: [{ type: topic, id: events }]
)",
      {"", "  other: {}", "  other: {}\n  other-events: { schema: { value: { type: event } } }",
       R"(f:29:13: error: service 'copy' writes topic 'events.v2', which has 'deduplicate'
   29 |     sinks: [{ type: topic, id: events }]
      |             ^
      = only records that come in over HTTP are looked at: remove 'deduplicate', or write another topic
)"});
}

}  // namespace
}  // namespace gameflow::spec
