#include "record/json_split.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "record/batch.h"
#include "record/codec.h"

namespace gameflow::record {
namespace {

std::string padded(std::string_view json) {
  return std::string(json) + std::string(kPaddingBytes, '\0');
}

std::string joined(std::string_view body) {
  const std::string buffer = padded(body);
  const auto items = split_json(std::string_view(buffer).substr(0, body.size()));
  if (!items) return std::string(to_string(items.error().code));
  std::string out;
  for (const std::string_view item : *items) {
    if (item.data() != items->front().data()) out += '|';
    out += item;
  }
  return out;
}

TEST(SplitJson, Items) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {R"({"a":1})", R"({"a":1})"},
      {" {\"a\":1} \r\n", R"({"a":1})"},
      {"17", "17"},
      {"[]", ""},
      {" [ ] ", ""},
      {"[1]", "1"},
      {"[ 1 , {\"a\" : [2,3]} ,\n\"x\" ]\n", R"(1|{"a" : [2,3]}|"x")"},
      {R"([{"a":"],["},{"b":"\"]"},{"c":"\\"},"[{"])",
       R"({"a":"],["}|{"b":"\"]"}|{"c":"\\"}|"[{")"},
      {"[[1,2],[3]]", "[1,2]|[3]"},
      {"", ""},
      {"[1,]", "1|"},  // the Decoder refuses the empty one
      {"[,1]", "|1"},
      {R"([{"a":1},{"b":},{"c":2}])", R"({"a":1}|{"b":}|{"c":2})"},
      {"[1", "invalid_json"},
      {"[1]]", "invalid_json"},
      {"[1] 2", "invalid_json"},
      {"[\"1]", "invalid_json"},
      {R"([{"a":1},{"b":])", "invalid_json"},
      {"[1} ", "invalid_json"},
  };
  for (const auto& [body, want] : cases) EXPECT_EQ(joined(body), want) << body;
}

TEST(JsonField, Keys) {
  struct Case {
    std::string_view json, path, want;
  };
  const Case cases[] = {
      {R"({"id":"p1"})", "id", "p1"},
      {R"({"user":{"id":"p1"}})", "user.id", "p1"},
      {R"({"id":"a\u0041\n"})", "id", "aA\n"},
      {R"({"id":""})", "id", ""},
      {R"({"id":-7})", "id", "-7"},
      {R"({"id":18446744073709551615})", "id", "18446744073709551615"},
      {R"({"id":true})", "id", "true"},
      {R"({"id":"a","id":"b"})", "id", "b"},
      {R"({"user":{"id":"a"},"user":{"id":"b"}})", "user.id", "b"},
      {R"({"x":1})", "id", "none"},
      {R"({"id":null})", "id", "none"},
      {R"({"user":{}})", "user.id", "none"},
      {R"({"user":1})", "user.id", "none"},
      {R"([1])", "id", "none"},
      {R"({"id":{}})", "id", "none"},
      {R"({"id":[1]})", "id", "none"},
  };
  for (const Case& c : cases) {
    const std::string buffer = padded(c.json);
    const auto key = json_field(std::string_view(buffer).substr(0, c.json.size()), c.path);
    EXPECT_EQ(key.value_or("none"), c.want) << c.json;
  }
}

TEST(JsonPart, IsTheValueAsItStands) {
  struct Case {
    std::string_view json, path, want;
  };
  const Case cases[] = {
      {R"({"event":{"a":[1, 2],"b":"}"} ,"key":"k"})", "event", R"({"a":[1, 2],"b":"}"})"},
      {R"({"event":{"a":[1, 2]}})", "event.a", "[1, 2]"},
      {R"({"event":{"a":[1, 2]}})", "", R"({"event":{"a":[1, 2]}})"},
      {R"({"key":"a\"b"})", "key", R"("a\"b")"},
      {R"({"n": -1.50 })", "n", "-1.50"},
      {R"({"n":null})", "n", "null"},
      {R"({"n":1,"n":2})", "n", "2"},
      {R"({"k\u0065y":1})", "key", "1"},
      {R"({"n":1})", "m", "none"},
      {R"({"n":1})", "n.m", "none"},
      {R"([1])", "n", "none"},
  };
  for (const Case& c : cases) {
    const std::string buffer = padded(c.json);
    EXPECT_EQ(json_part(std::string_view(buffer).substr(0, c.json.size()), c.path).value_or("none"),
              c.want)
        << c.json;
  }
}

TEST(FieldPath, ReadsWhatJsonFieldReads) {
  TypeTable types;
  const auto* user = types.object("user", {{"id", types.scalar(Kind::kString)},
                                           {"rank", types.scalar(Kind::kI8), true},
                                           {"large", types.scalar(Kind::kU64)}});
  const auto* event = types.object("event", {{"user", user}, {"flag", types.scalar(Kind::kBool)}});
  const std::string_view json =
      R"({"user":{"id":"p\n1","rank":-3,"large":18446744073709551615},"flag":false})";
  const std::string buffer = padded(json);
  std::vector<std::max_align_t> value(event->size);
  Decoder decoder;
  BlockArena arena;
  ASSERT_TRUE(
      decoder.decode(*event, std::string_view(buffer).substr(0, json.size()), arena, value.data()));
  for (const char* path : {"user.id", "user.rank", "user.large", "flag"}) {
    const FieldPath field(*event, path);
    ASSERT_TRUE(field.known()) << path;
    std::string scratch;
    EXPECT_EQ(field.read(value.data(), scratch),
              json_field(std::string_view(buffer).substr(0, json.size()), path))
        << path;
  }
  for (const char* path : {"user", "user.nosuch", "flag.x", "nosuch"}) {
    EXPECT_FALSE(FieldPath(*event, path).known()) << path;
  }
}

}  // namespace
}  // namespace gameflow::record
