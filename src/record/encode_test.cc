#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <gameflow/types.h>

#include "record/codec.h"
#include "record/dead_letter_json.h"
#include "record/slot.h"
#include "record/type.h"

namespace gameflow::record {
namespace {

struct StringRow {
  const char* name;
  std::string text, json;
};

TEST(Encode, Strings) {
  const std::vector<StringRow> rows{
      {"empty", "", R"("")"},
      {"plain", "player_123", R"("player_123")"},
      {"escapes", "\"\\/\b\f\n\r\t", R"("\"\\/\b\f\n\r\t")"},
      {"control", std::string("\0\x1F\x7F", 3), "\"\\u0000\\u001f\x7F\""},
      {"characters", "é€😀", "\"é€😀\""},
      {"invalid byte", "a\xFFz", "\"a\uFFFDz\""},
      {"cut character", "é\xE2\x82", "\"é\uFFFD\uFFFD\""},
      {"surrogate", "\xED\xA0\x80", "\"\uFFFD\uFFFD\uFFFD\""},
  };
  for (const StringRow& row : rows) {
    SCOPED_TRACE(row.name);
    std::string out = "x";
    encode_json_string(row.text, out);
    EXPECT_EQ(out, std::string("x").append(row.json));
    EXPECT_TRUE(is_valid_utf8(out));
  }
}

TEST(Encode, AnEscapeIsFoundAtEveryPlaceOfEveryLength) {
  for (std::size_t size = 1; size < 40; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (const char odd : {'"', '\\', '\n', '\0', '\x1F'}) {
        std::string text(size, 'a'), out;
        text[at] = odd;
        encode_json_string(text, out);
        ASSERT_GT(out.size(), size + 2) << size << " " << at;
      }
      for (const char plain : {' ', '!', '#', '[', ']', '\x7F', '~'}) {
        std::string text(size, 'a'), out;
        text[at] = plain;
        encode_json_string(text, out);
        ASSERT_EQ(out, fmt::format("\"{}\"", text));
      }
    }
  }
}

TEST(Encode, LongTextsAndNamesAreWhole) {
  for (std::size_t size = 1000; size < 10'000; size += 1 + size / 20) {
    const std::string text(size, 'a');
    std::string out;
    encode_json_string(text, out);
    ASSERT_EQ(out, fmt::format("\"{}\"", text));

    out.clear();
    encode_json_string(text + '\n', out);
    ASSERT_EQ(out, fmt::format("\"{}\\n\"", text));

    TypeTable types;
    const Type& type = *types.object(
        "o", {{text, types.scalar(Kind::kU8)}, {text + 'b', types.scalar(Kind::kU8)}});
    const u8 values[] = {1, 2};
    out.clear();
    encode_json(type, values, out);
    ASSERT_EQ(out, fmt::format(R"({{"{0}":1,"{0}b":2}})", text));
  }
}

TEST(Encode, ListsLongerThanAnyBuffer) {
  TypeTable types;
  std::vector<u64> numbers;
  std::string expected = "[";
  for (u64 i = 0; i < 20'000; ++i) {
    numbers.push_back(i * i * i * i);
    expected += fmt::format("{}{}", i == 0 ? "" : ",", numbers.back());
  }
  const ListLayout list{.data = reinterpret_cast<char*>(numbers.data()),
                        .size = static_cast<u32>(numbers.size())};
  std::string out = "x";
  encode_json(*types.list_of(types.scalar(Kind::kU64)), &list, out);
  EXPECT_EQ(out, "x" + expected + "]");
}

TEST(Encode, NumbersThatJsonCannotSayAreNull) {
  TypeTable types;
  for (const double value : {NAN, INFINITY, -INFINITY}) {
    std::string out;
    encode_json(*types.scalar(Kind::kF64), &value, out);
    EXPECT_EQ(out, "null");
  }
}

TEST(Encode, EmptyObject) {
  TypeTable types;
  const Type& type = *types.object("o", {{"a", types.scalar(Kind::kBool), true}});
  const Optional<bool> absent;
  std::string out;
  encode_json(type, &absent, out);
  EXPECT_EQ(out, "{}");
}

TEST(DeadLetterJson, LosesNothing) {
  DeadLetterJson json("s\"");
  json.text("operator", "decode");
  json.reason(std::string(DeadLetterJson::kReasonBytesMax + 1, 'x'), "of a row");
  json.number("offset", std::uint64_t{7});
  json.bytes("key", "text\n");
  json.bytes("value", "\xff\x01");
  EXPECT_EQ(std::move(json).take(),
            fmt::format(R"j({{"service":"s\"","operator":"decode","reason":"{} (of a row)",)j"
                        R"("offset":7,"key":"text\n","value_hex":"ff01"}})",
                        std::string(DeadLetterJson::kReasonBytesMax, 'x')));
}

}  // namespace
}  // namespace gameflow::record
