#include "connect/support/json_value.h"

#include <gtest/gtest.h>

#include "connect/support/positions_json.h"

namespace gameflow::connect {
namespace {

std::string at(std::string_view json, std::string_view path) {
  const auto value = JsonValue::parse(json);
  if (!value) return "(no JSON)";
  const auto found = value->at(path);
  return found ? found->text() : "(absent)";
}

TEST(JsonValue, FindsFieldsAtPaths) {
  struct Row {
    std::string_view json, path, expected;
  };
  for (const auto& [json, path, expected] : {
           Row{R"({"a":1})", "a", "1"},
           Row{R"({"a":{"b":"x\ny"}})", "a.b", "x\ny"},
           Row{R"( { "a" : { "b" : [ 1 , 2 ] } , "c":true } )", "a.b", "[ 1 , 2 ]"},
           Row{R"({"a":{"b":1},"c":true})", "c", "true"},
           Row{R"({"a":1})", "b", "(absent)"},
           Row{R"({"a":1})", "a.b", "(absent)"},
           Row{R"([1])", "a", "(absent)"},
           Row{R"({"a":1,"a":2})", "a", "2"},
           Row{R"({"\u0061":7})", "a", "7"},
           Row{R"({"a":1234567890123456789012.500})", "a", "1234567890123456789012.500"},
           Row{R"({"a":"\u00e9\ud83d\ude00\ud83d"})", "a", "é😀\xEF\xBF\xBD"},
           Row{R"({"a":{}})", ".", R"({"a":{}})"},
           Row{R"("x")", "", "x"},
           Row{R"({"a":})", "a", "(no JSON)"},
           Row{R"({"a":1}})", "a", "(no JSON)"},
           Row{R"({"a":01})", "a", "(no JSON)"},
           Row{R"({"a":1,})", "a", "(no JSON)"},
           Row{R"({"a":1.})", "a", "(no JSON)"},
           Row{R"({"a":"\x"})", "a", "(no JSON)"},
           Row{"{\"a\":\"\n\"}", "a", "(no JSON)"},
           Row{"", "a", "(no JSON)"},
           Row{"nul", "a", "(no JSON)"},
       })
    EXPECT_EQ(at(json, path), expected) << json;
  EXPECT_FALSE(JsonValue::parse(std::string(1000, '[') + std::string(1000, ']')));
}

TEST(JsonValue, ItemsAreThoseOfTheListOrTheRecordItself) {
  struct Row {
    std::string_view json, path;
    std::size_t count;
  };
  for (const auto& [json, path, count] :
       {Row{"[1,[2],{}]", "", 3}, Row{"[]", "", 0}, Row{R"({"a":[1,2]})", "", 1},
        Row{R"({"a":[1,2]})", "a", 2}, Row{R"({"a":null})", "a", 0}, Row{"{}", "a", 0}})
    EXPECT_EQ(items_of(*JsonValue::parse(json), path).size(), count) << json;
}

TEST(JsonValue, WritesText) {
  EXPECT_EQ(json_text("a\"b\\c\n\x01é"), R"("a\"b\\c\u000a\u0001é")");
}

TEST(PositionsJson, ComesBack) {
  const Positions positions{{{"a/b", 0}, 7}, {{"c\"", 12}, UINT64_MAX}};
  EXPECT_EQ(positions_from_json(to_json(positions)), positions);
  EXPECT_EQ(positions_from_json("{}"), Positions());
  for (const auto* wrong :
       {"", "x", "[]", R"({"a":1})", R"({"a/x":1})", R"({"a/1":-1})", R"({"a/1":1.5})"})
    EXPECT_FALSE(positions_from_json(wrong)) << wrong;
}

}  // namespace
}  // namespace gameflow::connect
