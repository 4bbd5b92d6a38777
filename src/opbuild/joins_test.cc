// The functions of a join: what they must look like, and what the user reads where they do not.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "opbuild/opbuild.h"
#include "opbuild/test_flow.h"

namespace gameflow::opbuild {
namespace {

constexpr std::string_view kFlow = R"(apiVersion: 0.6.0
meta: { name: demo, version: 0.1.0 }
types:
  click: { type: object, properties: { user: { type: string }, id: { type: u32 }, at: { type: i64 } } }
  buy: { type: object, properties: { user: { type: string }, id: { type: i64 }, at: { type: i64 } } }
  both: { type: object, properties: { user: { type: string }, clicks: { type: u32 } } }
topics:
  clicks: { schema: { value: { type: click } } }
  buys: { schema: { value: { type: buy } } }
  joined: { schema: { value: { type: both } } }
services:
  together:
    join:
      left:
        topic: buys
        assign-timestamp: { run: "i64 at(const Buy& buy) { return buy.at; }" }
        assign-key: { run: "Text of_buy(const Buy& buy) { return buy.user; }" }
      right:
        topic: clicks
        transforms: [{ filter: { run: "bool all(const Click&) { return true; }" } }]
        assign-timestamp: { run: "i64 at(const Click& click) { return click.at; }" }
        assign-key: { run: "Text of_click(const Click& click) { return click.user; }" }
      within: { before: 30m }
      watermark: { grace-period: 0s }
      run: "Both of(const Buy& buy, const Click* click) { return {buy.user, click->id}; }"
    transforms: [{ filter: { run: "bool few(const Both& both) { return both.clicks < 9; }" } }]
    sinks: [{ type: topic, id: joined }]
)";
constexpr std::string_view kRun =
    "Both of(const Buy& buy, const Click* click) { return {buy.user, click->id}; }";
constexpr std::string_view kLeftKey = "Text of_buy(const Buy& buy) { return buy.user; }";
constexpr std::string_view kRightKey = "Text of_click(const Click& click) { return click.user; }";

struct Row {
  const char* name;
  std::string_view from;
  const char* to;
  const char* expected;  // rendered; "": it compiles
};

TEST(CompileErrors, OfJoins) {
  constexpr Row kRows[] = {
      {"a pair", kRun, "Both of(const Buy& buy, const Click* click) { return {buy.user, 1}; }", ""},
      {"a lambda", kRun, "[](const Buy& buy, const auto* click) { return Both{key(), click->id}; }",
       ""},
      {"the record's key", kRun,
       "Both of(Optional<Text> key, const Buy&, const Click*) { return {*key, 0}; }", ""},
      {"another key", kRun, "KeyValue<Both> of(const Buy&, const Click*) { return {{}, {}}; }", ""},
      {"no pointer", kRun, "Both of(const Buy&, const Click&) { return {}; }",
       "25:18: error: this has to take (const Buy&, const Click*), what comes of left and right\n"},
      {"the other way round", kRun, "Both of(const Click&, const Buy*) { return {}; }",
       "25:18: error: this has to take (const Buy&, const Click*), what comes of left and right\n"},
      // Told once: how a wrong parameter is used follows from what it is.
      {"two pointers", kRun, "Both of(const Buy* buy, const Click*) { return {buy.user, 1}; }",
       "25:18: error: this has to take (const Buy&, const Click*), what comes of left and right\n"},
      {"a lambda of two types", kRun,
       "[](const Buy& buy, const Click* click) { if (click == nullptr) return nullptr; return "
       "Both{buy.user, 1}; }",
       "25:99: error: inconsistent types 'std::nullptr_t' and 'Both' deduced for lambda return "
       "type\n"},
      {"one only", kRun, "Both of(const Buy&) { return {}; }",
       "25:18: error: this has to take (const Buy&, const Click*), what comes of left and right\n"},
      {"nothing", kRun, "void of(const Buy&, const Click*) {}",
       "25:18: error: join must be callable as U(const Buy&, const Click*), U a type of the "
       "dataflow or an Optional of one\n"},
      {"perhaps nothing", kRun,
       "Optional<Both> of(const Buy& buy, const Click*) { return Both{buy.user, 1}; }", ""},
      {"perhaps nothing, with keys", kRun,
       "Optional<KeyValue<Both>> of(Optional<Text> key, const Buy&, const Click*) { return {}; }",
       ""},
      {"perhaps nothing, of another type", kRun,
       "Optional<int> of(const Buy&, const Click*) { return {}; }",
       "26:41: error: this takes Both, but what comes is i32\n"
       "27:13: error: this topic takes Both, but what comes is i32\n"},
      {"what the transforms do not take", kRun, "Buy of(const Buy& b, const Click*) { return b; }",
       "26:41: error: this takes Both, but what comes is Buy\n"
       "27:13: error: this topic takes Both, but what comes is Buy\n"},
      {"what the topic does not take", "bool few(const Both& both) { return both.clicks < 9; }",
       "bool few(const Both& both) { return both.click < 9; }",
       "26:77: error: 'const struct Both' has no member named 'click'; did you mean 'clicks'?\n"},
      {"keys of two kinds", kRightKey, "u32 of_click(const Click& click) { return click.id; }",
       "22:33: error: this gives u32, but the key of 'left' is Text; the keys of a join are of one "
       "kind\n"},
      {"a key of no kind", kLeftKey, "f64 of_buy(const Buy& buy) { return 1; }",
       "17:33: error: assign-key must be callable as KEY(const Buy&), KEY Text, bool or an "
       "integer\n"},
      {"a text as a key", kRightKey,
       "std::string of_click(const Click& click) { return click.user.str(); }", ""},
      {"a key of the other side", kLeftKey,
       "Text of_buy(const Click& click) { return click.user; }",
       "17:34: error: assign-key must be callable as KEY(const Buy&), KEY Text, bool or an "
       "integer\n"},
      {"a window", kRun,
       "Both of(const Buy& buy, const Click*) { return {buy.user, u32(window().start)}; }",
       "25:75: error: window() can be used in a window only\n"},
  };
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.name);
    expect_told(graph_of(with(std::string(kFlow), row.from, row.to)), testing::TempDir() + "/joins",
                row.expected);
  }
}

// Whole numbers of any size meet, but for u64, which no i64 may be.
TEST(Joins, OfWholeNumbers) {
  struct Keys {
    const char *left, *right;
    bool meet;
  };
  constexpr Keys kKeys[] = {{"i16", "u32", true},  {"u64", "u64", true},   {"i64", "u8", true},
                            {"u64", "u32", false}, {"bool", "bool", true}, {"bool", "i8", false}};
  for (const Keys& keys : kKeys) {
    SCOPED_TRACE(std::string(keys.left) + " " + keys.right);
    const std::string left = std::string(keys.left) + " of_buy(const Buy&) { return 1; }";
    const std::string right = std::string(keys.right) + " of_click(const Click&) { return 1; }";
    const plan::Graph graph =
        graph_of(with(with(std::string(kFlow), kLeftKey, left), kRightKey, right));
    std::vector<spec::Diagnostic> mistakes;
    const auto library = build(
        graph, {.cache_folder = testing::TempDir() + "/joins", .syntax_only = true}, mistakes);
    EXPECT_EQ(library.has_value(), keys.meet) << library.error().message;
  }
}

}  // namespace
}  // namespace gameflow::opbuild
