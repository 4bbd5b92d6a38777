// Windows and how rows merge: what is read, and every mistake with what the user reads then.
#include <gtest/gtest.h>

#include "spec/model.h"

namespace gameflow::spec {
namespace {

constexpr std::string_view kGood = R"(apiVersion: 0.6.0
meta: { name: demo, version: 0.1.0 }
types:
  click: { type: object, properties: { user: { type: string }, x: { type: f64 } } }
topics:
  clicks: { schema: { value: { type: click } } }
  late-clicks: {}
services:
  counting:
    sources:
      - { type: topic, id: clicks }
    states:
      seen:
        type: keyed-state
        properties:
          key: { type: string }
          value:
            type: arrow-row
            properties:
              count: { type: u32, merge: sum }
              name: { type: string, merge: last }
              tags: { type: list, items: { type: string }, merge: first }
    window:
      tumbling: { duration: 10s }
      watermark: { grace-period: 0s }
      assign-timestamp: { run: "i64 at(const Click&, i64 time) { return time; }" }
      partition:
        assign-key: { run: "Text key_of(const Click& c) { return c.user; }" }
        update-state: { run: "void count(const Click&) { seen().count += 1; }" }
      flush: { run: "Click none() { return {}; }" }
)";

TEST(Windows, AreRead) {
  const ParseResult result = parse(kGood, "f");
  ASSERT_TRUE(result.dataflow) << render(result.diagnostics, "f", kGood);
  EXPECT_EQ(render(result.diagnostics, "f", kGood), "");
  const Service& service = result.dataflow->services[0];
  EXPECT_EQ(service.states[0].merges,
            (std::vector<std::optional<Merge>>{Merge::kSum, Merge::kLast, Merge::kFirst}));
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

class Windowed : public testing::TestWithParam<Case> {};

TEST_P(Windowed, IsReported) {
  const Case& test = GetParam();
  std::string source(kGood);
  const std::size_t at = source.find(test.from);
  ASSERT_NE(at, std::string::npos) << test.from;
  source.replace(at, std::string_view(test.from).size(), test.to);
  const ParseResult result = parse(source, "f");
  EXPECT_EQ(render(result.diagnostics, "f", source), test.expected);
}

constexpr Case kCases[] = {
    {"MergeMistyped", "merge: sum", "merge: summ",
     R"(f:20:42: error: unknown merge 'summ'
   20 |               count: { type: u32, merge: summ }
      |                                          ^~~~
      = did you mean 'sum'?
)"},
    {"MergeWithoutSum", "merge: last", "merge: sum",
     R"(f:21:44: error: column 'name' is of type string: two of them have no sum
   21 |               name: { type: string, merge: sum }
      |                                            ^~~
      = write 'merge: min', 'max', 'first', 'last' or 'any'
)"},
    {"MergeOfAList", "merge: first", "merge: max",
     R"(f:22:67: error: column 'tags' is of type list: two of them have no max
   22 |               tags: { type: list, items: { type: string }, merge: max }
      |                                                                   ^~~
      = write 'merge: first', 'last' or 'any'
)"},
};

INSTANTIATE_TEST_SUITE_P(All, Windowed, testing::ValuesIn(kCases),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace gameflow::spec
