#include "app/flow_test/case.h"

#include <gtest/gtest.h>

namespace gameflow::app::flow_test {
namespace {

using Lines = std::vector<std::string>;

TEST(Case, StepsHaveTheLinesBelowThem) {
  const auto test = parse("a.test",
                          "# What it shows.\n"
                          "dataflow\n"
                          "topics:\n"
                          "\n"
                          "---\n"
                          "send events key ann\r\n"
                          "{\"n\":1}\n"
                          "run\n"
                          "expect counts\n"
                          "\n"
                          "expect stats counting in=1\n");
  ASSERT_TRUE(test) << test.error().message;
  EXPECT_EQ(test->description, "What it shows.\n");
  ASSERT_EQ(test->steps.size(), 5U);
  EXPECT_EQ(test->steps[0].body, (Lines{"topics:", ""}));
  EXPECT_EQ(test->steps[1].line, 6U);
  EXPECT_EQ(test->steps[1].words, (Lines{"events", "key", "ann"}));
  EXPECT_EQ(test->steps[1].body, Lines{"{\"n\":1}"});
  EXPECT_EQ(test->steps[3].command, "expect");
  EXPECT_EQ(test->steps[3].body, Lines{});
}

TEST(Case, WhatCannotBeReadIsToldWithItsPlace) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "a.test:1: there is no command in this case"},
      {"run\nsned events\n", "a.test:2: unknown command 'sned'; did you mean 'send'?"},
      {"run\n\n{\"n\":1}\n", "a.test:3: unknown command '{\"n\":1}'; there are: dataflow, at"},
      {"run twice\n", "a.test:1: 'twice' does not belong to run"},
      {"\ndataflow\ntopics:\n", "a.test:2: the dataflow lacks its end, a line '---'"},
      {"expect stats s in=1\n{}\n", "a.test:2: unknown command '{}'"}};
  for (const auto& [text, message] : cases) {
    const auto test = parse("a.test", text);
    ASSERT_FALSE(test) << text;
    EXPECT_EQ(test.error().message.substr(0, std::string_view(message).size()), message);
  }
}

}  // namespace
}  // namespace gameflow::app::flow_test
