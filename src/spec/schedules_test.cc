// Schedules: what is read, and every mistake with what the user reads then.
#include <gtest/gtest.h>

#include "spec/model.h"
#include "spec/test_util.h"

namespace gameflow::spec {
namespace {

constexpr std::string_view kGood = R"(apiVersion: 0.6.0
meta: { name: demo, version: 0.1.0 }
topics:
  times: { schema: { value: { type: i64 } } }
  words: { schema: { value: { type: string } } }
schedule:
  daily: { cron: "0 8 * * *", timezone: Europe/Berlin, catch-up: true }
  hourly:
    cron: "@hourly"
services:
  tell:
    sources:
      - { type: schedule, id: daily }
      - { type: schedule, id: hourly }
    sinks:
      - { type: topic, id: times }
)";

TEST(Schedules, AreRead) {
  const ParseResult result = parse(kGood, "f");
  ASSERT_TRUE(result.dataflow) << render(result.diagnostics, "f", kGood);
  EXPECT_EQ(render(result.diagnostics, "f", kGood), "");
  const Dataflow& flow = *result.dataflow;
  ASSERT_EQ(flow.schedules.size(), 2U);
  EXPECT_EQ(flow.schedules[0].name, "daily");
  EXPECT_EQ(flow.schedules[0].topic, "schedule.daily");
  EXPECT_EQ(flow.schedules[0].zone->name(), "Europe/Berlin");
  EXPECT_TRUE(flow.schedules[0].catches_up);
  EXPECT_EQ(flow.schedules[1].zone->name(), "UTC");
  EXPECT_FALSE(flow.schedules[1].catches_up);
  const Service& service = flow.services[0];
  EXPECT_EQ(service.sources[0].topic, "schedule.daily");
  EXPECT_EQ(service.sources[0].type->kind, record::Kind::kI64);
  EXPECT_EQ(service.sources[0].start, StartOffset::kEnd);
}

class WrongSchedule : public testing::TestWithParam<Edit> {};

TEST_P(WrongSchedule, IsReported) {
  expect_told(kGood, GetParam());
}

const Edit kCases[] = {
    {"NoCron", "    cron: \"@hourly\"", "    timezone: UTC",
     R"(f:9:5: error: schedule 'hourly' needs 'cron'
    9 |     timezone: UTC
      |     ^
      = write 'cron: "0 8 * * *"'
)"},
    {"BadCron", "@hourly", "0 25 * * *",
     R"(f:9:11: error: '25' is no hour: it is 0 to 23, '*', a range or a list
    9 |     cron: "0 25 * * *"
      |           ^~~~~~~~~~~~
      = for example '0 8 * * *', eight o'clock each day
)"},
    {"Seconds", "@hourly", "0 0 8 * * *",
     R"(f:9:11: error: a cron has 5 parts, this has 6: minute, hour, day of the month, month and day of the week
    9 |     cron: "0 0 8 * * *"
      |           ^~~~~~~~~~~~~
      = for example '0 8 * * *', eight o'clock each day
)"},
    {"Never", "@hourly", "0 8 30 2 *",
     R"(f:9:11: error: '0 8 30 2 *' never comes
    9 |     cron: "0 8 30 2 *"
      |           ^~~~~~~~~~~~
      = no month that is named has such a day
)"},
    {"UnknownZone", "Europe/Berlin", "Europe/Brelin",
     R"(f:7:41: error: there is no time zone 'Europe/Brelin'
    7 |   daily: { cron: "0 8 * * *", timezone: Europe/Brelin, catch-up: true }
      |                                         ^~~~~~~~~~~~~
      = did you mean 'Europe/Berlin'?
)"},
    {"CatchUpIsNoBool", "catch-up: true", "catch-up: yes",
     R"(f:7:66: error: 'catch-up' has to be true or false
    7 |   daily: { cron: "0 8 * * *", timezone: Europe/Berlin, catch-up: yes }
      |                                                                  ^~~
)"},
    {"UnknownSchedule", "id: hourly", "id: hourli",
     R"(f:14:31: error: there is no schedule 'hourli'
   14 |       - { type: schedule, id: hourli }
      |                               ^~~~~~
      = did you mean 'hourly'?
)"},
    {"ATopicIsNoSchedule", "type: topic, id: times", "type: topic, id: hourly",
     R"(f:16:28: error: there is no topic 'hourly'
   16 |       - { type: topic, id: hourly }
      |                            ^~~~~~
      = it is a schedule: write 'type: schedule'
)"},
    {"ASinkOfASchedule", "type: topic, id: times", "type: schedule, id: hourly",
     R"(f:16:17: error: unknown type of a sink 'schedule'
   16 |       - { type: schedule, id: hourly }
      |                 ^~~~~~~~
      = known: topic
)"},
    {"StartingOffset", "id: hourly }", "id: hourly, starting-offset: beginning }",
     R"(f:14:39: error: a schedule has no 'starting-offset'
   14 |       - { type: schedule, id: hourly, starting-offset: beginning }
      |                                       ^~~~~~~~~~~~~~~
      = a service gets the times that come while it is there
)"},
    {"OtherType", "type: topic, id: times", "type: topic, id: words",
     R"(f:16:28: error: topic 'words' has type 'string', but source 'daily' has type 'i64'
   16 |       - { type: topic, id: words }
      |                            ^~~~~
      = a 'map' in 'transforms' makes one of the other
)"},
    {"NameOfATopic", "  words:", "  schedule.daily:",
     R"(f:7:3: error: topic 'schedule.daily' has the name of the topic of schedule 'daily'
    7 |   daily: { cron: "0 8 * * *", timezone: Europe/Berlin, catch-up: true }
      |   ^~~~~
      = rename one of them
)"},
    {"InAService", "  tell:\n", "  tell:\n    schedule: { daily: { cron: '0 8 * * *' } }\n",
     R"(f:12:5: error: 'schedule' stands at the top of the file
   12 |     schedule: { daily: { cron: '0 8 * * *' } }
      |     ^~~~~~~~
      = here write a source, '- { type: schedule, id: … }'
)"},
};

INSTANTIATE_TEST_SUITE_P(Schedules, WrongSchedule, testing::ValuesIn(kCases), name_of);

}  // namespace
}  // namespace gameflow::spec
