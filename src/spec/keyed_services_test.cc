// Rows without windows, states of others and tables: what is read, and every mistake with what the
// user reads then.
#include <gtest/gtest.h>

#include "spec/model.h"
#include "spec/test_util.h"

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
  EXPECT_EQ(keep.states[0].on_expire->position, (Position{27, 13}));
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

class Keyed : public testing::TestWithParam<Edit> {};

TEST_P(Keyed, IsReported) {
  expect_told(kGood, GetParam());
}

const Edit kCases[] = {
    {"NoPartition",
     "    partition:\n      assign-timestamp: { run: \"i64 at(const Click&, i64 time) { return "
     "time; }\" }\n      assign-key: { run: \"Text key_of(const Click& c) { return c.user; }\" }\n "
     "     transforms:\n        - operator: filter\n          run: \"bool more(const Click& c) { "
     "return c.x > seen().count; }\"\n          dependencies: [{ name: re2 }]\n      update-state: "
     "{ run: \"void count(const Click&) { seen().count += 1; total() += 1; }\" }\n",
     "", R"(f:18:5: error: service 'keep' has states, but neither 'partition' nor 'window'
   18 |     states:
      |     ^~~~~~
      = write 'partition:' with 'assign-key' and 'update-state' below it
)"},
    {"OnExpireWithoutTtl", "            ttl: 30d\n", "",
     R"(f:26:13: error: 'on-expire' needs a 'ttl' beside it
   26 |             on-expire: { run: "Optional<Click> gone(const SeenRow&) { return {}; }" }
      |             ^~~~~~~~~
      = for example 'ttl: 30d'
)"},
    {"TtlInAWindow", "value: { type: f64 } }\n    window",
     "value: { type: f64, ttl: 1h } }\n    window",
     R"(f:56:66: error: a row in a window lives as long as its window
   56 |         properties: { key: { type: string }, value: { type: f64, ttl: 1h } }
      |                                                                  ^~~
      = remove 'ttl'
)"},
    {"TtlAtTheState", "        type: keyed-state\n        properties:\n          key",
     "        type: keyed-state\n        ttl: 30d\n        properties:\n          key",
     R"(f:21:9: error: 'ttl' stands in 'value', beside 'type'
   21 |         ttl: 30d
      |         ^~~
      = indent it below 'value:'
)"},
    {"UnknownService", "from: keep.seen", "from: kep.seen",
     R"(f:45:31: error: there is no service 'kep'
   45 |       seen-by-others: { from: kep.seen }
      |                               ^
      = did you mean 'keep'?
)"},
    {"UnknownState", "from: keep.seen", "from: keep.sen",
     R"(f:45:31: error: service 'keep' has no state 'sen'
   45 |       seen-by-others: { from: keep.sen }
      |                               ^
      = did you mean 'seen'?
)"},
    {"NoState", "from: keep.seen", "from: keep",
     R"(f:45:31: error: 'from' has to be SERVICE.STATE, not 'keep'
   45 |       seen-by-others: { from: keep }
      |                               ^~~~
      = for example 'from: price-keeper.prices'
)"},
    {"WindowedState", "from: keep.seen", "from: per-window.sizes",
     R"(f:45:31: error: the rows of state 'sizes' go with the windows of service 'per-window'
   45 |       seen-by-others: { from: per-window.sizes }
      |                               ^
      = only a state without window can be read by key: keep it in a 'partition' outside of 'window', or read the results from a topic
)"},
    {"FromAndType", "{ from: keep.seen }", "{ from: keep.seen, type: keyed-state }",
     R"(f:45:42: error: a state with 'from' has no 'type' of its own
   45 |       seen-by-others: { from: keep.seen, type: keyed-state }
      |                                          ^~~~
      = remove it
)"},
    {"OnlyOthersStates", "    transforms:\n      - filter: { run: \"bool is_known",
     "    partition: { assign-key: { run: \"Text key_of(const Click& c) { return c.user; }\" }, "
     "update-state: { run: \"void f(const Click&) {}\" } }\n    transforms:\n      - filter: { "
     "run: \"bool is_known",
     R"(f:44:5: error: a 'partition' needs a state of the service's own
   44 |     states:
      |     ^~~~~~
      = what another service keeps can only be read
)"},
    {"OfAStateThatIsWrong", "properties: { count: { type: u32 } }",
     "properties: { count: { type: u33 } }", R"(f:25:42: error: unknown type 'u33'
   25 |             properties: { count: { type: u33 } }
      |                                          ^~~
      = did you mean 'u32'?
)"},
    {"NoUpdate",
     "      transforms:\n        - operator: filter\n          run: \"bool more(const Click& c) { "
     "return c.x > seen().count; }\"\n          dependencies: [{ name: re2 }]\n      update-state: "
     "{ run: \"void count(const Click&) { seen().count += 1; total() += 1; }\" }\n",
     "", R"(f:32:7: error: 'partition' needs 'update-state'
   32 |       assign-timestamp: { run: "i64 at(const Click&, i64 time) { return time; }" }
      |       ^
      = the C++ that puts an event into the state
)"},
    {"NeverChanged", "total() += 1; ", "", R"(f:28:7: warning: state 'total' is never changed
   28 |       total:
      |       ^~~~~
      = use total() in 'update-state' or remove the state
)"},
    {"TwoTimestamps", "        assign-key: { run: \"Text name",
     "        assign-timestamp: { run: \"i64 at(const Item&) { return 0; }\" }\n        "
     "assign-key: { run: \"Text name",
     R"(f:64:9: error: 'assign-timestamp' stands in 'window'
   64 |         assign-timestamp: { run: "i64 at(const Item&) { return 0; }" }
      |         ^~~~~~~~~~~~~~~~
      = move it there
)"},
    {"PrimitiveOfTwo", "properties: { value: i32 }", "properties: { value: i32, more: i32 }",
     R"(f:30:84: error: a primitive state has one property, 'value'
   30 |         properties: { key: { type: string }, value: { type: primitive, properties: { value: i32, more: i32 } } }
      |                                                                                    ^
      = for example 'properties: { value: i32 }'
)"},
    {"PrimitiveOfUnknown", "properties: { value: i32 }", "properties: { value: int }",
     R"(f:30:93: error: unknown type 'int'
   30 |         properties: { key: { type: string }, value: { type: primitive, properties: { value: int } } }
      |                                                                                             ^~~
      = did you mean 'i64'?
)"},
    {"AccessorOfTheSdk", "      total:\n", "      key:\n",
     R"(f:28:7: error: 'key' cannot be the name of a state: key is a name of the SDK
   28 |       key:
      |       ^~~
      = choose another name
)"},
    {"NameOfATable", "      total:\n", "      items:\n",
     R"(f:11:3: error: table 'items' and a state of service 'keep' have the same name
   11 |   items: { file: items.csv, key: item-id, type: item }
      |   ^
      = rename one of them
)"},
    {"Cycle", "      - { type: topic, id: items, transforms",
     "      - { type: topic, id: clicks, transforms",
     R"(f:15:3: error: services feed each other: keep -> topic 'more-clicks' -> look -> topic 'clicks' -> keep
   15 |   keep:
      |   ^
      = if that is wanted, write 'allow-cycle: true' at one of the topics
)"},
    {"TableWithoutKey", "key: item-id, type", "type", R"(f:11:10: error: a table needs 'key'
   11 |   items: { file: items.csv, type: item }
      |          ^
      = for example 'key: item_id'
)"},
    {"TableOfUnknownField", "key: item-id", "key: item",
     R"(f:11:34: error: the type of table 'items' has no field 'item'
   11 |   items: { file: items.csv, key: item, type: item }
      |                                  ^~~~
      = known: item_id, name, size
)"},
    {"TableKeyOfAFloat", "key: item-id", "key: size",
     R"(f:11:34: error: the key of a table has to be a string, an integer or a bool that is always there; 'size' is not
   11 |   items: { file: items.csv, key: size, type: item }
      |                                  ^~~~
)"},
    {"TableOfUnknownType", "type: item }\n  all", "type: itm }\n  all",
     R"(f:11:49: error: unknown type 'itm'
   11 |   items: { file: items.csv, key: item-id, type: itm }
      |                                                 ^~~
      = did you mean 'item'?
)"},
    {"TableOfNothing", "file: items.csv, key", "key",
     R"(f:11:3: error: table 'items' needs a 'file' or a 'topic'
   11 |   items: { key: item-id, type: item }
      |   ^~~~~
      = for example 'file: items.csv'
)"},
    {"TableOfTwo", "file: items.csv, key", "file: items.csv, topic: items, key",
     R"(f:11:29: error: table 'items' has a 'file' and a 'topic'
   11 |   items: { file: items.csv, topic: items, key: item-id, type: item }
      |                             ^~~~~
      = remove one of them
)"},
    {"TableOfUnknownFormat", "items.csv", "items.xml",
     R"(f:11:18: error: the format of 'items.xml' is not known
   11 |   items: { file: items.xml, key: item-id, type: item }
      |                  ^~~~~~~~~
      = files of tables end with .csv, .json, .jsonl or .ndjson
)"},
    {"TableOfUnknownTopic", "topic: items, key", "topic: itms, key",
     R"(f:12:23: error: there is no topic 'itms'
   12 |   all-items: { topic: itms, key: name }
      |                       ^~~~
      = did you mean 'items'?
)"},
    {"DependencyOfTheShell", "name: re2", "name: re2;ls",
     R"(f:37:34: error: 're2;ls' cannot be the name of a library
   37 |           dependencies: [{ name: re2;ls }]
      |                                  ^~~~~~
      = write what pkg-config calls it: letters, digits, '.', '_', '+' and '-'
)"},
    {"PropertiesBesideAValue", "{ type: primitive, properties: { value: i32 } }",
     "{ type: i32, properties: { value: i64 } }",
     R"(f:30:78: error: a value of type i32 has no 'properties'
   30 |         properties: { key: { type: string }, value: { type: i32, properties: { value: i64 } } }
      |                                                                              ^
      = remove them, or write 'type: arrow-row' for a row of columns
)"},
    {"DependencyIsAText", "[{ name: re2 }]", "[re2]",
     R"(f:37:26: error: a dependency has to be a map, this is a single value
   37 |           dependencies: [re2]
      |                          ^~~
      = write '{ name: re2 }'
)"},
    {"IncludeIsAText", "[helpers.h]", "helpers.h",
     R"(f:13:23: error: 'include' has to be a list of headers
   13 | functions: { include: helpers.h }
      |                       ^~~~~~~~~
      = for example 'include: [helpers.h]'
)"},
};
INSTANTIATE_TEST_SUITE_P(Mistakes, Keyed, testing::ValuesIn(kCases), name_of);

}  // namespace
}  // namespace gameflow::spec
