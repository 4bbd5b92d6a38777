// The table of kinds of functions, and the examples and signatures that messages show.
#include "spec/function.h"

#include <set>

#include <gtest/gtest.h>

#include "spec/model.h"

namespace gameflow::spec {
namespace {

TEST(Function, TableIsInOrderAndKeysDiffer) {
  std::set<std::string_view> keys;
  for (std::size_t i = 0; i < all_functions().size(); ++i) {
    const FunctionInfo& info = all_functions()[i];
    EXPECT_EQ(static_cast<std::size_t>(info.kind), i);
    EXPECT_EQ(&info_of(info.kind), &info);
    EXPECT_TRUE(keys.insert(info.key).second) << info.key;
  }
  EXPECT_EQ(info_of(FunctionKind::kFlush).key, "flush");
}

TEST(Function, TypesAreSpelledAsInCpp) {
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

TEST(Function, Signatures) {
  EXPECT_EQ(signature_of(FunctionKind::kFilter, "Click"), "bool(const Click&)");
  EXPECT_EQ(signature_of(FunctionKind::kFlatMap, "Click"),
            "List<U>(const Click&), U a type of the dataflow");
  EXPECT_EQ(signature_of(FunctionKind::kAssignTimestamp, "Click"),
            "i64(const Click&, i64 record_time) or i64(const Click&)");
  EXPECT_EQ(signature_of(FunctionKind::kAssignKey, "Click", "Totals", "u32"),
            "u32(const Click&), the key type of the states");
  EXPECT_EQ(signature_of(FunctionKind::kFlush, "Click", "Totals"),
            "Totals(), the type of the sinks");
}

TEST(Function, ExamplesUseTheNamesOfTheService) {
  record::TypeTable table;
  const record::Type* const text = table.scalar(record::Kind::kString);
  const record::Type* const user = table.object("user", {{"user_id", text}});
  const record::Type* const event =
      table.object("player-event", {{"name", text}, {"event_timestamp", text}, {"user", user}});
  State state;
  state.name = "events-per-user";
  state.type = table.object("", {{"count", table.scalar(record::Kind::kU32)}});
  const ExampleNames names = {event, nullptr, "player-event", "events-count", &state};
  EXPECT_EQ(example_of(FunctionKind::kAssignTimestamp, names, "when"),
            "i64 when(const PlayerEvent& event, i64 record_time) "
            "{ return parse_time(event.event_timestamp, record_time); }");
  EXPECT_EQ(example_of(FunctionKind::kAssignKey, names, ""),
            "Text assign_key(const PlayerEvent& event) { return event.user.user_id; }");
  EXPECT_EQ(example_of(FunctionKind::kUpdateState, names, ""),
            "void update_state(const PlayerEvent& event) { events_per_user().count += 1; }");
  EXPECT_EQ(
      example_of(FunctionKind::kFlush, names, ""),
      "EventsCount compute() { return sql<EventsCount>(\"select … from events_per_user\"); }");
  EXPECT_EQ(example_of(FunctionKind::kAssignKey, {}, ""),
            "Text assign_key(const Event& event) { return event.id; }");
  EXPECT_EQ(example_of(FunctionKind::kMap, names, ""),
            "PlayerEvent change(const PlayerEvent& event) "
            "{ PlayerEvent changed = event; return changed; }");
  EXPECT_EQ(example_of(FunctionKind::kFilter, names, "only_named"),
            "bool only_named(const PlayerEvent& event) { return event.name != \"\"; }");
  EXPECT_EQ(example_of(FunctionKind::kFilterMap, names, ""),
            "Optional<PlayerEvent> keep(const PlayerEvent& event) "
            "{ if (event.name != \"\") return event; return {}; }");
  EXPECT_EQ(example_of(FunctionKind::kFlatMap, {}, ""),
            "List<Event> split(const Event& event) { return {event, event}; }");
}

}  // namespace
}  // namespace gameflow::spec
