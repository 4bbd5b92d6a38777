#include "plan/plan.h"

#include <gtest/gtest.h>

namespace gameflow::plan {
namespace {

TEST(Types, AreSpelledAsInCpp) {
  record::TypeTable types;
  const record::Type* point =
      types.object("map-point", {{.name = "x", .type = types.scalar(record::Kind::kF64)}});
  EXPECT_EQ(cpp_type(*types.scalar(record::Kind::kString)), "Text");
  EXPECT_EQ(cpp_type(*types.scalar(record::Kind::kBytes)), "Bytes");
  EXPECT_EQ(cpp_type(*types.scalar(record::Kind::kBool)), "bool");
  EXPECT_EQ(cpp_type(*types.scalar(record::Kind::kU16)), "u16");
  EXPECT_EQ(cpp_type(*types.scalar(record::Kind::kF32)), "f32");
  EXPECT_EQ(cpp_type(*point), "MapPoint");
  EXPECT_EQ(cpp_type(*types.list_of(types.list_of(point))), "List<List<MapPoint>>");
}

std::shared_ptr<const spec::Dataflow> example() {
  auto flow = std::make_shared<spec::Dataflow>();
  flow->name = "gaming-analytics";
  flow->version = "0.1.0";
  flow->types = std::make_shared<record::TypeTable>();
  record::TypeTable& types = *flow->types;
  const record::Type* text = types.scalar(record::Kind::kString);
  const record::Type* u32 = types.scalar(record::Kind::kU32);
  const record::Type* event = types.object("player-event", {{.name = "user_id", .type = text}});
  const record::Type* count = types.object(
      "player-count", {{.name = "player", .type = text}, {.name = "count", .type = u32}});
  const record::Type* row = types.object("", {{.name = "count", .type = u32}});
  flow->named_types = {event, count, types.list_of(count)};
  flow->type_names = {"player-event", "player-count", "player-counts"};
  flow->topics.resize(2);
  flow->topics[0].name = "player-events";
  flow->topics[0].type = event;
  flow->topics[0].partitions = 4;
  flow->topics[1].name = "summaries";
  flow->topics[1].type = types.list_of(count);
  spec::Service service;
  service.name = "player-session-analytics";
  service.sources = {{.topic = "player-events", .position = {}, .start = spec::StartOffset::kEnd}};
  service.event = event;
  service.states = {{.name = "events-per-user", .position = {}, .type = row}};
  service.window.duration = {5000};
  service.output = types.list_of(count);
  service.sinks = {"summaries"};
  flow->services = {service};
  return flow;
}

TEST(Plan, NamesServicesAndStates) {
  const Plan plan = make_plan(example());
  ASSERT_EQ(plan.services.size(), 1u);
  EXPECT_EQ(plan.services[0].spec, &plan.dataflow->services[0]);
  EXPECT_EQ(plan.services[0].scope, "player_session_analytics");
  ASSERT_EQ(plan.services[0].states.size(), 1u);
  const StatePlan& state = plan.services[0].states[0];
  EXPECT_EQ(state.name, "events-per-user");
  EXPECT_EQ(state.table, "events_per_user");
  EXPECT_EQ(state.row_struct, "EventsPerUserRow");
  EXPECT_EQ(state.key, record::Kind::kString);
  EXPECT_EQ(state.row, plan.dataflow->services[0].states[0].type);
}

TEST(Plan, ExplainsItself) {
  EXPECT_EQ(explain(make_plan(example())), R"(dataflow gaming-analytics 0.1.0

service player-session-analytics
  source  player-events: player-event, from the end
  window  tumbling 5s, grace 0ms, a partition is idle after 5s, late records are dropped and counted
  state   events-per-user: {count: u32} by string, in SQL events_per_user
  flush   player-counts
  sink    summaries

topic player-events: player-event, 4 partitions
topic summaries: player-counts, 1 partition
dead letters go to topic dead-letters
)");
}

}  // namespace
}  // namespace gameflow::plan
