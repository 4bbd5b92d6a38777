#include "spec/diagnostic.h"

#include <gtest/gtest.h>

namespace gameflow::spec {
namespace {

TEST(Render, ShowsLineAndCaret) {
  const std::vector<Diagnostic> diagnostics = {
      {Severity::kWarning, {2, 5}, 6, "second", ""},
      {Severity::kError, {1, 1}, 1, "first", "do this\nor that"},
      {Severity::kError, {}, 1, "the file", ""},
  };
  EXPECT_EQ(render(diagnostics, "x.yaml", "a: b\n    sorces: 1\n"),
            "x.yaml: error: the file\n"
            "x.yaml:1:1: error: first\n"
            "    1 | a: b\n"
            "      | ^\n"
            "      = do this\n"
            "        or that\n"
            "x.yaml:2:5: warning: second\n"
            "    2 |     sorces: 1\n"
            "      |     ^~~~~~\n");
}

// Carets stand below what they mean: tabs stay tabs, a character of several bytes is one column.
TEST(Render, AlignsUnderAnyText) {
  EXPECT_EQ(render({{Severity::kError, {1, 8}, 2, "m", ""}}, "f", "\tä: \xe2\x82\xac x"),
            "f:1:8: error: m\n"
            "    1 | \tä: \xe2\x82\xac x\n"
            "      | \t    ^\n");
}

TEST(Render, SurvivesPlacesThatAreNotThere) {
  EXPECT_EQ(render({{Severity::kError, {9, 9}, 5, "m", ""}}, "f", "a"), "f:9:9: error: m\n");
  EXPECT_EQ(render({{Severity::kError, {1, 99}, 99, "m", ""}}, "f", "a"),
            "f:1:99: error: m\n    1 | a\n      |  ^\n");
}

TEST(Render, CutsLongLines) {
  const std::string source = std::string(5'000, 'a') + "b" + std::string(5'000, 'c');
  const std::string text = render({{Severity::kError, {1, 5'001}, 1, "m", ""}}, "f", source);
  EXPECT_LT(text.size(), 400U);
  EXPECT_NE(text.find("ab"), std::string::npos);
}

}  // namespace
}  // namespace gameflow::spec
