#include "connect/support/path_template.h"

#include <gtest/gtest.h>

namespace gameflow::connect {
namespace {

std::string filled(std::string_view path, std::string_view json) {
  std::string missing;
  const auto text = PathTemplate(path).fill(
      *JsonValue::parse(json), [](std::string part) { return "<" + part + ">"; }, missing);
  return text ? *text : "missing " + missing;
}

TEST(PathTemplate, Fills) {
  EXPECT_EQ(filled("a.{x.y}.b{z}", R"({"x":{"y":"1 2"},"z":3})"), "a.<1 2>.b<3>");
  EXPECT_EQ(filled("plain", "{}"), "plain");
  EXPECT_EQ(filled("{x}", R"({"x":null})"), "missing x");
  EXPECT_EQ(filled("{x}", R"({"x":[]})"), "missing x");
  EXPECT_EQ(filled("{x}", R"({})"), "missing x");
}

TEST(PathTemplate, SaysWhatIsWrong) {
  for (const auto* wrong : {"a}", "{", "{}", "a.{b", "{a{b}}"})
    EXPECT_THROW(PathTemplate{wrong}, std::runtime_error) << wrong;
}

}  // namespace
}  // namespace gameflow::connect
