// Rows without windows, states of others and tables: what is read, and every mistake with what the
// user reads then.
#include <gtest/gtest.h>

#include "spec/model.h"

namespace gameflow::spec {
namespace {

constexpr std::string_view kGood = R"(apiVersion: 0.5.0
meta: { name: demo, version: 0.1.0 }
types:
  click: { type: object, properties: { user: { type: string }, x: { type: f64 } } }
  item: { type: object, properties: { item_id: { type: u32 }, name: { type: string }, size: { type: f64 } } }
topics:
  clicks: { schema: { value: { type: click } } }
  more-clicks: { schema: { value: { type: click } } }
  items: { schema: { value: { type: item } } }
tables:
  items: { file: items.csv, key: item-id, type: item }
  all-items: { topic: items, key: name }
functions: { include: [helpers.h] }
services:
  keep:
    sources:
      - { type: topic, id: clicks }
    states:
      seen:
        type: keyed-state
        properties:
          key: { type: string }
          value:
            type: arrow-row
            properties: { count: { type: u32 } }
            ttl: 30d
            on-expire: { run: "Optional<Click> gone(const SeenRow&) { return {}; }" }
      total:
        type: keyed-state
        properties: { key: { type: string }, value: { type: primitive, properties: { value: i32 } } }
    partition:
      assign-timestamp: { run: "i64 at(const Click&, i64 time) { return time; }" }
      assign-key: { run: "Text key_of(const Click& c) { return c.user; }" }
      transforms:
        - operator: filter
          run: "bool more(const Click& c) { return c.x > seen().count; }"
          dependencies: [{ name: re2 }]
      update-state: { run: "void count(const Click&) { seen().count += 1; total() += 1; }" }
    sinks:
      - { type: topic, id: more-clicks }
  look:
    sources:
      - { type: topic, id: more-clicks }
    states:
      seen-by-others: { from: keep.seen }
    transforms:
      - filter: { run: "bool is_known(const Click& c) { return seen_by_others(c.user) != nullptr; }" }
    sinks:
      - { type: topic, id: items, transforms: [{ map: { run: "[](const Click&) { return Item{}; }" } }] }
  per-window:
    sources:
      - { type: topic, id: items }
    states:
      sizes:
        type: keyed-state
        properties: { key: { type: string }, value: { type: f64 } }
    window:
      tumbling: { duration: 5s }
      watermark: { grace-period: 0s }
      assign-timestamp: { run: "i64 at(const Item&, i64 time) { return time; }" }
      transforms:
        - filter: { run: "bool large(const Item& i) { return i.size > 1; }" }
      partition:
        assign-key: { run: "Text name(const Item& i) { return i.name; }" }
        update-state: { run: "void add(const Item& i) { sizes() += i.size; }" }
      flush: { run: "Click none() { return {}; }" }
)";

TEST(KeyedServices, AreRead) {
  const ParseResult result = parse(kGood, "f");
  ASSERT_TRUE(result.dataflow) << render(result.diagnostics, "f", kGood);
  EXPECT_EQ(render(result.diagnostics, "f", kGood), "");
  const Dataflow& flow = *result.dataflow;

  const Service& keep = flow.services[0];
  ASSERT_EQ(keep.states.size(), 2U);
  EXPECT_EQ(keep.states[0].ttl, Duration{30LL * 24 * 3'600'000});
  ASSERT_TRUE(keep.states[0].on_expire);
  EXPECT_EQ(keep.states[0].on_expire->position, (Position{26, 13}));
  EXPECT_FALSE(keep.states[0].is_primitive);
  EXPECT_TRUE(keep.states[1].is_primitive);
  ASSERT_EQ(keep.states[1].type->fields.size(), 1U);
  EXPECT_EQ(keep.states[1].type->fields[0].name, "value");
  EXPECT_EQ(keep.states[1].type->fields[0].type->kind, record::Kind::kI32);
  EXPECT_FALSE(keep.window);
  ASSERT_TRUE(keep.partition);
  EXPECT_TRUE(keep.partition->assign_timestamp);
  EXPECT_TRUE(keep.partition->update_state);
  ASSERT_EQ(keep.partition->transforms.size(), 1U);
  ASSERT_EQ(keep.partition->transforms[0].dependencies.size(), 1U);
  EXPECT_EQ(keep.partition->transforms[0].dependencies[0].name, "re2");

  const Service& look = flow.services[1];
  EXPECT_TRUE(look.states.empty());
  ASSERT_EQ(look.references.size(), 1U);
  EXPECT_EQ(look.references[0].name, "seen-by-others");
  EXPECT_EQ(look.references[0].service, "keep");
  EXPECT_EQ(look.references[0].state, "seen");

  const Service& windows = flow.services[2];
  EXPECT_EQ(windows.window->transforms.size(), 1U);
  EXPECT_TRUE(windows.states[0].is_primitive);
  EXPECT_FALSE(windows.partition->assign_timestamp);

  ASSERT_EQ(flow.tables.size(), 2U);
  EXPECT_EQ(flow.tables[0].file, "items.csv");
  EXPECT_EQ(flow.tables[0].key, "item_id");
  EXPECT_EQ(flow.tables[1].topic, "items");
  EXPECT_EQ(flow.tables[1].type, flow.tables[0].type);
  ASSERT_EQ(flow.includes.size(), 1U);
  EXPECT_EQ(flow.includes[0].file, "helpers.h");
}

struct Case {
  const char* name;
  const char* from;
  const char* to;
  const char* expected;  // rendered
};

void PrintTo(const Case& test, std::ostream* out) {
  *out << test.name;
}

class Keyed : public testing::TestWithParam<Case> {};

TEST_P(Keyed, IsReported) {
  const Case& test = GetParam();
  std::string source(kGood);
  const std::size_t at = source.find(test.from);
  ASSERT_NE(at, std::string::npos) << test.from;
  source.replace(at, std::string_view(test.from).size(), test.to);
  const ParseResult result = parse(source, "f");
  EXPECT_EQ(render(result.diagnostics, "f", source), test.expected);
}

const Case kCases[] = {
    {"NoPartition",
     "    partition:\n      assign-timestamp: { run: \"i64 at(const Click&, i64 time) { return "
     "time; }\" }\n      assign-key: { run: \"Text key_of(const Click& c) { return c.user; }\" }\n "
     "     transforms:\n        - operator: filter\n          run: \"bool more(const Click& c) { "
     "return c.x > seen().count; }\"\n          dependencies: [{ name: re2 }]\n      update-state: "
     "{ run: \"void count(const Click&) { seen().count += 1; total() += 1; }\" }\n",
     "", R"(@@NoPartition@@)"},
    {"OnExpireWithoutTtl", "            ttl: 30d\n", "", R"(@@OnExpireWithoutTtl@@)"},
    {"TtlInAWindow", "value: { type: f64 } }\n    window",
     "value: { type: f64, ttl: 1h } }\n    window", R"(@@TtlInAWindow@@)"},
    {"TtlAtTheState", "        type: keyed-state\n        properties:\n          key",
     "        type: keyed-state\n        ttl: 30d\n        properties:\n          key",
     R"(@@TtlAtTheState@@)"},
    {"UnknownService", "from: keep.seen", "from: kep.seen", R"(@@UnknownService@@)"},
    {"UnknownState", "from: keep.seen", "from: keep.sen", R"(@@UnknownState@@)"},
    {"NoState", "from: keep.seen", "from: keep", R"(@@NoState@@)"},
    {"WindowedState", "from: keep.seen", "from: per-window.sizes", R"(@@WindowedState@@)"},
    {"FromAndType", "{ from: keep.seen }", "{ from: keep.seen, type: keyed-state }",
     R"(@@FromAndType@@)"},
    {"OnlyOthersStates", "    transforms:\n      - filter: { run: \"bool is_known",
     "    partition: { assign-key: { run: \"Text key_of(const Click& c) { return c.user; }\" }, "
     "update-state: { run: \"void f(const Click&) {}\" } }\n    transforms:\n      - filter: { "
     "run: \"bool is_known",
     R"(@@OnlyOthersStates@@)"},
    {"NoUpdate",
     "      transforms:\n        - operator: filter\n          run: \"bool more(const Click& c) { "
     "return c.x > seen().count; }\"\n          dependencies: [{ name: re2 }]\n      update-state: "
     "{ run: \"void count(const Click&) { seen().count += 1; total() += 1; }\" }\n",
     "", R"(@@NoUpdate@@)"},
    {"NeverChanged", "total() += 1; ", "", R"(@@NeverChanged@@)"},
    {"TwoTimestamps", "        assign-key: { run: \"Text name",
     "        assign-timestamp: { run: \"i64 at(const Item&) { return 0; }\" }\n        "
     "assign-key: { run: \"Text name",
     R"(@@TwoTimestamps@@)"},
    {"PrimitiveOfTwo", "properties: { value: i32 }", "properties: { value: i32, more: i32 }",
     R"(@@PrimitiveOfTwo@@)"},
    {"PrimitiveOfUnknown", "properties: { value: i32 }", "properties: { value: int }",
     R"(@@PrimitiveOfUnknown@@)"},
    {"AccessorOfTheSdk", "      total:\n", "      key:\n", R"(@@AccessorOfTheSdk@@)"},
    {"NameOfATable", "      total:\n", "      items:\n", R"(@@NameOfATable@@)"},
    {"Cycle", "      - { type: topic, id: items, transforms",
     "      - { type: topic, id: clicks, transforms", R"(@@Cycle@@)"},
    {"TableWithoutKey", "key: item-id, type", "type", R"(@@TableWithoutKey@@)"},
    {"TableOfUnknownField", "key: item-id", "key: item", R"(@@TableOfUnknownField@@)"},
    {"TableKeyOfAFloat", "key: item-id", "key: size", R"(@@TableKeyOfAFloat@@)"},
    {"TableOfUnknownType", "type: item }\n  all", "type: itm }\n  all",
     R"(@@TableOfUnknownType@@)"},
    {"TableOfNothing", "file: items.csv, key", "key", R"(@@TableOfNothing@@)"},
    {"TableOfUnknownFormat", "items.csv", "items.xml", R"(@@TableOfUnknownFormat@@)"},
    {"TableOfUnknownTopic", "topic: items, key", "topic: itms, key", R"(@@TableOfUnknownTopic@@)"},
    {"DependencyOfTheShell", "name: re2", "name: re2;ls", R"(@@DependencyOfTheShell@@)"},
    {"DependencyIsAText", "[{ name: re2 }]", "[re2]", R"(@@DependencyIsAText@@)"},
    {"IncludeIsAText", "[helpers.h]", "helpers.h", R"(@@IncludeIsAText@@)"},
};
INSTANTIATE_TEST_SUITE_P(Mistakes, Keyed, testing::ValuesIn(kCases),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace gameflow::spec
