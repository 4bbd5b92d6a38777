// Merging rows: what the generated functions make of two rows of one key.
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include <gameflow/decimal.h>
#include <gameflow/distinct.h>
#include <gameflow/quantiles.h>
#include <gameflow/time.h>
#include <gameflow/types.h>

#include "opbuild/opbuild.h"
#include "opbuild/test_flow.h"
#include "record/arena.h"

namespace gameflow::opbuild {
namespace {

constexpr std::string_view kFlow = R"(apiVersion: 0.6.0
meta: { name: demo, version: 0.1.0 }
types:
  click: { type: object, properties: { user: { type: string } } }
topics:
  clicks: { schema: { value: { type: click } } }
services:
  keep:
    sources: [{ type: topic, id: clicks }]
    states:
      seen:
        type: keyed-state
        properties:
          key: { type: string }
          value:
            type: arrow-row
            properties:
              count: { type: u8, merge: sum }
              spent: { type: decimal, scale: 2, merge: sum }
              lowest: { type: i32, optional: true, merge: min }
              longest: { type: string, merge: max }
              entered: { type: timestamp, merge: first }
              level: { type: string, optional: true, merge: last }
              paid: { type: bool, merge: any }
              class: { type: enum, type-name: class, merge: any, oneOf: { none: { type: null }, mage: { type: null } } }
              tags: { type: list, merge: last, items: { type: string } }
              players: { type: distinct }
              ms: { type: quantiles }
      total:
        type: keyed-state
        properties: { key: { type: string }, value: { type: primitive, properties: { value: { type: f64, merge: sum } } } }
      single:
        type: keyed-state
        properties: { key: { type: string }, value: { type: i32 } }
    partition:
      assign-key: { run: "Text key_of(const Click& c) { return c.user; }" }
      update-state: { run: "void count(const Click&) { seen().count += 1; total() += 1; single() += 1; }" }
)";

enum class Class : u16 { none, mage };
struct SeenRow {
  u8 count = 0;
  Decimal<2> spent;
  Optional<i32> lowest;
  Text longest;
  sdk_types::Timestamp entered;
  Optional<Text> level;
  bool paid = false;
  Class class_ = Class::none;
  List<Text> tags;
  Distinct players;
  Quantiles ms{10'000};
};

struct Merges : testing::Test {
  Merges() : folder(testing::TempDir() + "/merge"), graph(graph_of(kFlow)) {
    library = build(graph, {.cache_folder = folder}, kFlow);
    call.arena = &arena;
    detail::current_arena = &arena;
  }
  ~Merges() override { detail::current_arena = nullptr; }
  void SetUp() override { ASSERT_TRUE(library) << library.error().message; }

  // Of `from` into `into`; the message of what failed.
  std::string merge(SeenRow& into, const SeenRow& from, u32 order) {
    void* const rows[] = {&into};
    const void* const others[] = {&from};
    abi::RecordError error{};
    const auto function = library->functions.merge("keep/merge/seen").pointer;
    const u32 failures = function(&call, rows, others, &order, 1, &error);
    detail::current_arena = &arena;
    return failures == 0 ? "" : error.message.str();
  }

  std::filesystem::path folder;
  plan::Graph graph;
  Result<Library> library = fail(ErrorCode::kLibraryInvalid, "not built");
  record::BlockArena arena;
  abi::Call call{};
};

SeenRow early() {
  SeenRow row{2, Decimal<2>::from_units(150), 7, "abc", {1000}, {}, false, Class::mage, {"a"}};
  row.players.add("ann");
  row.players.add("bob");
  row.ms.add(10);
  return row;
}
SeenRow late() {
  SeenRow row{3,    Decimal<2>::from_units(-50), {}, "b", {2000}, Text("deep"), true, Class::none,
              {"b"}};
  row.players.add("bob");
  row.players.add("cid");
  row.ms.add(20);
  row.ms.add(30);
  return row;
}

TEST_F(Merges, GoColumnByColumn) {
  SeenRow row = early();
  EXPECT_EQ(merge(row, late(), abi::kFromLast), "");
  EXPECT_EQ(row.count, 5);
  EXPECT_EQ(row.spent.units(), 100);
  EXPECT_EQ(row.lowest, Optional<i32>(7));
  EXPECT_EQ(row.longest, "b");
  EXPECT_EQ(row.entered.ms, 1000);
  EXPECT_EQ(row.level, Optional<Text>("deep"));
  EXPECT_TRUE(row.paid);
  EXPECT_EQ(row.class_, Class::mage);
  ASSERT_EQ(row.tags.size(), 1U);
  EXPECT_EQ(row.tags[0], "b");
  EXPECT_EQ(row.players.estimate(), 3U);
  EXPECT_EQ(row.ms.count(), 3U);
  EXPECT_EQ(row.ms.quantile(1), 30);
  EXPECT_EQ(merge(row, late(), abi::kFromLast), "");  // in place
  EXPECT_EQ(row.players.estimate(), 3U);
  EXPECT_EQ(row.ms.count(), 5U);
}

TEST_F(Merges, GiveTheSameInAnyOrder) {
  SeenRow row = late();
  EXPECT_EQ(merge(row, early(), abi::kFromFirst), "");
  EXPECT_EQ(row.count, 5);
  EXPECT_EQ(row.lowest, Optional<i32>(7));
  EXPECT_EQ(row.entered.ms, 1000);
  EXPECT_EQ(row.level, Optional<Text>("deep"));
  EXPECT_EQ(row.class_, Class::mage);
  EXPECT_EQ(row.tags[0], "b");
}

// An event in the middle of what is there: neither the first nor the last.
TEST_F(Merges, KeepTheEndsOfWhatIsThere) {
  SeenRow row = early();
  SeenRow middle = late();
  middle.level = Text("other");
  EXPECT_EQ(merge(row, middle, 0), "");
  EXPECT_EQ(row.count, 5);
  EXPECT_EQ(row.entered.ms, 1000);
  EXPECT_EQ(row.level, Optional<Text>("other"));  // nothing was there
  EXPECT_EQ(row.tags[0], "a");
}

TEST_F(Merges, ThatOverflowLeaveTheRow) {
  SeenRow row = early();
  SeenRow many = late();
  many.count = 254;
  EXPECT_EQ(merge(row, many, abi::kFromLast), "a sum does not fit into its column");
  EXPECT_EQ(row.count, 2);
  EXPECT_EQ(row.spent.units(), 150);
  EXPECT_FALSE(row.paid);
  EXPECT_EQ(row.players.estimate(), 2U);
  EXPECT_EQ(row.ms.count(), 1U);
}

TEST_F(Merges, AreThereWhereEveryColumnSaysHow) {
  const plan::Keyed& keyed = *graph.keyed_of(plan::ServiceId{0});
  EXPECT_EQ(keyed.states[0].merge_function, "keep/merge/seen");
  EXPECT_EQ(keyed.states[1].merge_function, "keep/merge/total");
  EXPECT_EQ(keyed.states[2].merge_function, "");
}

}  // namespace
}  // namespace gameflow::opbuild
