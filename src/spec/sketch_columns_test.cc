// Columns that are sketches: where they may stand, and every mistake in them.
#include <string>

#include <gtest/gtest.h>

#include "record/type.h"
#include "spec/model.h"

namespace gameflow::spec {
namespace {

// A service whose row has this column, and a type.
std::string with(std::string_view column, std::string_view type = "{ type: u8 }") {
  return "apiVersion: 0.6.0\nmeta: { name: demo, version: 0.1.0 }\ntypes:\n  a: " +
         std::string(type) +
         "\ntopics: { a: { schema: { value: { type: a } } } }\nservices:\n  s:\n"
         "    sources: [{ type: topic, id: a }]\n    states:\n      row:\n"
         "        type: keyed-state\n        properties:\n          key: { type: u8 }\n"
         "          value:\n            type: arrow-row\n            properties:\n              "
         "c: " +
         std::string(column) +
         "\n    partition:\n      assign-key: { run: \"u8 key_of(const A& a) { return 1; }\" }\n"
         "      update-state: { run: \"void add(const A&) { row(); }\" }\n";
}

std::string diagnose(std::string_view column, std::string_view type = "{ type: u8 }") {
  const std::string source = with(column, type);
  return render(parse(source, "f").diagnostics, "f", source);
}

TEST(SketchColumns, HaveShapes) {
  const std::pair<const char*, const char*> rows[] = {
      {"{ type: distinct }", "{c:distinct}"},
      {"{ type: quantiles }", "{c:quantiles(10000)}"},
      {"{ type: quantiles, accuracy: 0.1 }", "{c:quantiles(100000)}"},
      {"{ type: quantiles, accuracy: 0.001 }", "{c:quantiles(1000)}"},
      {"{ type: quantiles, accuracy: 0.0125 }", "{c:quantiles(12500)}"},
      {"{ type: quantiles, accuracy: 0.010000 }", "{c:quantiles(10000)}"},
  };
  for (const auto& [column, shape] : rows) {
    const ParseResult parsed = parse(with(column), "f");
    ASSERT_TRUE(parsed.dataflow) << render(parsed.diagnostics, "f", with(column));
    EXPECT_EQ(record::shape_of(*parsed.dataflow->services[0].states[0].type), shape);
  }
}

struct Case {
  const char *name, *column, *expected;
};

TEST(SketchColumns, Mistakes) {
  const Case cases[] = {
      {"too exact", "{ type: quantiles, accuracy: 0.0001 }",
       R"(f:17:47: error: 'accuracy' has to be a number from 0.001 to 0.1
   17 |               c: { type: quantiles, accuracy: 0.0001 }
      |                                               ^~~~~~
)"},
      {"no part", "{ type: quantiles, accuracy: 1% }",
       R"(f:17:47: error: 'accuracy' has to be a number from 0.001 to 0.1
   17 |               c: { type: quantiles, accuracy: 1% }
      |                                               ^~
)"},
      {"accuracy of another", "{ type: distinct, accuracy: 0.01 }",
       R"(f:17:36: error: unknown key 'accuracy' in column 'c'
   17 |               c: { type: distinct, accuracy: 0.01 }
      |                                    ^~~~~~~~
      = known: type, optional, merge
)"},
      {"optional", "{ type: distinct, optional: true }",
       R"(f:17:46: error: column 'c' is distinct, which is never absent: a new one is empty
   17 |               c: { type: distinct, optional: true }
      |                                              ^~~~
      = remove 'optional'
)"},
      {"in a list", "{ type: list, items: { type: distinct } }",
       R"(f:17:47: error: an item of the list cannot be of type distinct
   17 |               c: { type: list, items: { type: distinct } }
      |                                               ^~~~~~~~
      = only a column of a state's row can; SQL gives its numbers: estimate(…) of distinct, quantile(…, 0.99) of quantiles
)"},
      {"merge", "{ type: quantiles, merge: sum }",
       R"(f:17:44: error: column 'c' is quantiles, which knows how it is merged
   17 |               c: { type: quantiles, merge: sum }
      |                                            ^~~
      = remove 'merge'
)"},
      {"misspelt", "{ type: quantile }",
       R"(f:17:26: error: unknown type 'quantile'
   17 |               c: { type: quantile }
      |                          ^~~~~~~~
      = did you mean 'quantiles'?
)"},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    EXPECT_EQ(diagnose(test.column), test.expected);
  }
}

TEST(SketchColumns, StandInRowsOnly) {
  EXPECT_EQ(diagnose("{ type: u8 }",
                     "{ type: object, properties: { x: { type: quantiles, accuracy: 0.01 }, y: { "
                     "type: distinct, optional: true } } }"),
            R"(f:4:47: error: field 'x' cannot be of type quantiles
    4 |   a: { type: object, properties: { x: { type: quantiles, accuracy: 0.01 }, y: { type: distinct, optional: true } } }
      |                                               ^~~~~~~~~
      = only a column of a state's row can; SQL gives its numbers: estimate(…) of distinct, quantile(…, 0.99) of quantiles
f:4:87: error: field 'y' cannot be of type distinct
    4 |   a: { type: object, properties: { x: { type: quantiles, accuracy: 0.01 }, y: { type: distinct, optional: true } } }
      |                                                                                       ^~~~~~~~
      = only a column of a state's row can; SQL gives its numbers: estimate(…) of distinct, quantile(…, 0.99) of quantiles
)");
  EXPECT_EQ(diagnose("{ type: u8 }", "{ type: distinct }"),
            R"(f:4:14: error: type 'a' cannot be of type distinct
    4 |   a: { type: distinct }
      |              ^~~~~~~~
      = only a column of a state's row can; SQL gives its numbers: estimate(…) of distinct, quantile(…, 0.99) of quantiles
)");
  EXPECT_EQ(diagnose("{ type: u8 }", "{ type: u8 }\n  distinct: { type: u8 }"),
            R"(f:5:3: error: 'distinct' is a built-in type
    5 |   distinct: { type: u8 }
      |   ^~~~~~~~
      = choose another name
)");
}

}  // namespace
}  // namespace gameflow::spec
