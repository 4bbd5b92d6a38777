// What is made of verdicts: differences, updated cases, JUnit XML.
#include <string>

#include <gtest/gtest.h>

#include "app/flow_test/case.h"
#include "app/flow_test/difference.h"
#include "app/flow_test/junit.h"
#include "app/flow_test/update.h"

namespace gameflow::app::flow_test {
namespace {

TEST(Difference, IsShownLineByLine) {
  struct Row {
    const char* name;
    Lines expected, came;
    const char* shown;
  };
  const Row rows[] = {
      {"one line is another", {"a", "b", "c"}, {"a", "x", "c"}, "  a\n- b\n+ x\n  c\n"},
      {"one is missing", {"a", "b"}, {"b"}, "- a\n  b\n"},
      {"one is too many", {"a"}, {"a", "a"}, "  a\n+ a\n"},
      {"nothing came", {"a", "b"}, {}, "- a\n- b\n"},
      {"nothing was expected", {}, {"a"}, "+ a\n"},
      {"two that are swapped", {"a", "b"}, {"b", "a"}, "- a\n  b\n+ a\n"},
      {"equal ends are left out",
       {"1", "2", "3", "4", "5", "x", "5", "6", "7", "8", "9"},
       {"1", "2", "3", "4", "5", "y", "5", "6", "7", "8", "9"},
       "  … 2 more\n  3\n  4\n  5\n- x\n+ y\n  5\n  6\n  7\n  … 2 more\n"},
  };
  for (const Row& row : rows)
    EXPECT_EQ(render(row.expected, row.came, false), row.shown) << row.name;
  EXPECT_EQ(render({"a"}, {"b"}, true), "\x1b[31m- a\x1b[0m\n\x1b[32m+ b\x1b[0m\n");
}

TEST(Difference, OfVeryManyLinesEndsToo) {
  Lines expected, came;
  for (int i = 0; i < 10'000; ++i) {
    expected.push_back("e" + std::to_string(i));
    came.push_back("c" + std::to_string(i));
  }
  const std::string shown = render(expected, came, false);
  EXPECT_TRUE(shown.starts_with("- e0\n- e1\n"));
  EXPECT_TRUE(shown.ends_with("+ c9998\n+ c9999\n"));
}

const std::string kText =
    "# A case.\n"
    "dataflow a.yaml\n"
    "expect counts\n"
    "1\n"
    "# why two\n"
    "2\n"
    "\n"
    "expect stats s in=1 out=2\n"
    "expect error nope\n"
    "expect counts\n"
    "run\n";

TEST(Update, WritesWhatCameAndLeavesTheRest) {
  const auto test = parse("a.test", kText);
  ASSERT_TRUE(test) << test.error().message;
  const auto text = updated(*test, kText,
                            {{1, {"1", "2"}, {"7"}},
                             {2, {"in=1", "out=2"}, {"in=3", "out=2"}},
                             {3, {"nope"}, {"disk_full: no space"}},
                             {4, {}, {"8", "9"}}});
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(*text,
            "# A case.\n"
            "dataflow a.yaml\n"
            "expect counts\n"
            "# why two\n"
            "7\n"
            "\n"
            "expect stats s in=3 out=2\n"
            "expect error disk_full: no space\n"
            "expect counts\n"
            "8\n"
            "9\n"
            "run\n");
}

TEST(Update, KeepsTheLineEndsOfWindows) {
  const std::string text = "run\r\nexpect a\r\n1\r\n";
  const auto test = parse("a.test", text);
  ASSERT_TRUE(test);
  EXPECT_EQ(updated(*test, text, {{1, {"1"}, {}}}).value(), "run\r\nexpect a\r\n");
}

TEST(Update, RefusesWhatWouldBeReadAsSomethingElse) {
  const auto test = parse("a.test", kText);
  ASSERT_TRUE(test);
  for (const char* line : {"run", "", "# 1", "send x", "two\nlines"}) {
    const auto text = updated(*test, kText, {{1, {"1", "2"}, {line}}});
    ASSERT_FALSE(text) << line;
    EXPECT_NE(text.error().message.find("--update cannot write what came"), std::string::npos);
  }
}

TEST(Junit, IsXml) {
  EXPECT_EQ(junit_xml({{"a.test", 0.25, ""}, {"b<.test", 1, "b:1: \"x\" & y\n- \x1b[31m1"}}),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<testsuites tests=\"2\" failures=\"1\" errors=\"0\" time=\"1.250\">\n"
            "  <testsuite name=\"gameflow test\" tests=\"2\" failures=\"1\" errors=\"0\" "
            "time=\"1.250\">\n"
            "    <testcase classname=\"gameflow\" name=\"a.test\" file=\"a.test\" "
            "time=\"0.250\"/>\n"
            "    <testcase classname=\"gameflow\" name=\"b&lt;.test\" file=\"b&lt;.test\" "
            "time=\"1.000\">\n"
            "      <failure message=\"b:1: &quot;x&quot; &amp; y\">b:1: &quot;x&quot; &amp; "
            "y&#10;-  [31m1</failure>\n"
            "    </testcase>\n"
            "  </testsuite>\n</testsuites>\n");
}

}  // namespace
}  // namespace gameflow::app::flow_test
