// `flush: { each: … }`: what it must look like, and what the user reads where it does not.
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
  click: { type: object, properties: { user: { type: string } } }
  total: { type: object, properties: { user: { type: string }, count: { type: u32 } } }
topics:
  clicks: { schema: { value: { type: click } } }
  totals: { schema: { value: { type: total } } }
services:
  counting:
    sources: [{ type: topic, id: clicks }]
    states:
      seen:
        type: keyed-state
        properties: { key: { type: string }, value: { type: arrow-row, properties: { count: { type: u32 } } } }
      points:
        type: keyed-state
        properties: { key: { type: string }, value: { type: i64 } }
    window:
      tumbling: { duration: 10s }
      watermark: { grace-period: 0s }
      assign-timestamp: { run: "i64 at(const Click&, i64 time) { return time; }" }
      partition:
        assign-key: { run: "Text key_of(const Click& c) { return c.user; }" }
        update-state: { run: "void count(const Click&) { seen().count += 1; points() += 1; }" }
      flush:
        each: { run: "Total total(const SeenRow& row) { return {key(), row.count}; }" }
    sinks: [{ type: topic, id: totals }]
)";
constexpr std::string_view kFunction =
    "Total total(const SeenRow& row) { return {key(), row.count}; }";

struct Row {
  const char *name, *code;
  const char* expected;  // rendered; "": it compiles
};

TEST(CompileErrors, OfEach) {
  constexpr Row kRows[] = {
      {"a row", "Total total(const SeenRow& row) { return {key(), row.count}; }", ""},
      {"a value", "Total total(i64 points) { return {key(), u32(points)}; }", ""},
      {"maybe", "Optional<Total> total(const SeenRow&) { return {}; }", ""},
      {"with a key", "KeyValue<Total> total(const SeenRow&) { return {{}, {}}; }", ""},
      {"maybe with a key", "Optional<KeyValue<Total>> total(const SeenRow&) { return {}; }", ""},
      {"the window",
       "Total total(const SeenRow&) { return {key(), u32(window().kind == Window::kEarly)}; }", ""},
      {"another row", "Total total(const Click&) { return {}; }",
       R"(27:29: error: each must be callable as Total(const ROW&), the type of the sinks, ROW one of SeenRow, i64
)"},
      {"another result", "Click total(const SeenRow&) { return {}; }",
       R"(27:29: error: each must be callable as Total(const ROW&), the type of the sinks, ROW one of SeenRow, i64
)"},
      {"its row by name", "Total total(const SeenRow&) { return {key(), seen().count}; }",
       R"(27:68: error: seen() can be used in 'partition' only
      = the row is its argument
)"},
  };
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.name);
    expect_told(graph_of(with(std::string(kFlow), kFunction, row.code)),
                testing::TempDir() + "/each", row.expected);
  }
}

}  // namespace
}  // namespace gameflow::opbuild
