#include "record/json_split.h"

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "record/batch.h"
#include "record/codec.h"
#include "record/json_corpus.h"

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

// Of a text between others: only its own bytes count.
std::string member(std::string_view json, std::string_view path) {
  static Decoder decoder;
  const std::string buffer = padded(json);
  JsonMember members[] = {{.path = "nosuch", .json = {}}, {.path = path, .json = {}}};
  if (!decoder.check(std::string_view(buffer).substr(0, json.size()), members)) return "wrong";
  EXPECT_FALSE(members[0].json) << json;
  return std::string(members[1].json.value_or("none"));
}

TEST(Members, AreFoundAsTheyStand) {
  struct Case {
    std::string_view json, path, want;
  };
  const Case cases[] = {
      {R"({"event":{"a":[1, 2],"b":"}"} ,"key":"k"})", "event", R"({"a":[1, 2],"b":"}"})"},
      {R"({"event":{"a":[1, 2]}})", "event.a", "[1, 2]"},
      {R"({"event":{"a":[1, 2]}})", "", "none"},
      {R"({"key":"a\"b"})", "key", R"("a\"b")"},
      {R"({"n": -1.50 })", "n", "-1.50"},
      {R"({"n":null})", "n", "null"},
      {R"({"n":1,"n":2})", "n", "2"},
      {R"({"n":{"m":1},"n":{"k":2}})", "n.m", "none"},
      {R"({"n":{"m":1},"n":2})", "n.m", "none"},
      {R"({"n":{"n":{"n":7}}})", "n.n.n", "7"},
      {R"({"k\u0065y":1})", "key", "1"},
      {R"({"":1})", "", "none"},
      {R"({"n":1})", "m", "none"},
      {R"({"n":1})", "n.m", "none"},
      {R"({"n":123456789012345678901234567890})", "n", "123456789012345678901234567890"},
      {R"([1])", "n", "none"},
      {R"([{"n":1}])", "n", "none"},
      {"5", "n", "none"},
      {R"({"n":1,})", "n", "wrong"},
      {R"({"n":1}})", "n", "wrong"},
      {R"({"n":{"a" 1}})", "n", "wrong"},
      {R"({"n":{"a":1 "b":2}})", "n.a", "wrong"},
      {R"({"n":{1:2}})", "n.a", "wrong"},
      {R"({"n":{"\x":2}})", "n.a", "wrong"},
  };
  for (const Case& c : cases) EXPECT_EQ(member(c.json, c.path), c.want) << c.json;
}

// A value and what is inside of it, in one go.
TEST(Members, OneInsideOfAnother) {
  Decoder decoder;
  const std::string_view json = R"({"key":"k","event":{"name":"buy","amount":5}})";
  const std::string buffer = padded(json);
  JsonMember members[] = {{.path = "event", .json = {}},
                          {.path = "event.name", .json = {}},
                          {.path = "event.name", .json = {}},
                          {.path = "key", .json = "of the last text"}};
  ASSERT_TRUE(decoder.check(std::string_view(buffer).substr(0, json.size()), members));
  EXPECT_EQ(members[0].json, R"({"name":"buy","amount":5})");
  EXPECT_EQ(members[1].json, R"("buy")");
  EXPECT_EQ(members[2].json, R"("buy")");
  EXPECT_EQ(members[3].json, R"("k")");
}

// Looking for members changes nothing of what is JSON, and finds what json_field finds.
TEST(Members, WhatIsJsonStaysTheSame) {
  std::vector<std::string> texts;
  for (const JsonCase& c : json_corpus()) texts.push_back(c.json);
  std::mt19937_64 random(7);
  for (const std::string& event : sample_events()) {
    for (int i = 0; i < 2'000; ++i) {
      std::string text = event;
      text[random() % text.size()] = R"({}[]",:\e1 )"[random() % 11];
      texts.push_back(text);
    }
  }
  Decoder decoder;
  for (const std::string& text : texts) {
    const std::string buffer = padded(text);
    const std::string_view json = std::string_view(buffer).substr(0, text.size());
    JsonMember members[] = {{.path = "event_name", .json = {}},
                            {.path = "parameters", .json = {}},
                            {.path = "parameters.player_id", .json = {}}};
    const bool is_valid = decoder.check(json);
    ASSERT_EQ(decoder.check(json, members), is_valid) << text;
    if (!is_valid) continue;
    for (const JsonMember& member : members) {
      const auto found = member.json ? json_field(*member.json, {}) : std::nullopt;
      ASSERT_EQ(found, json_field(json, member.path)) << text;
    }
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
