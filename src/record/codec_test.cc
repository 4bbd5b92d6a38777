#include "record/codec.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <gameflow/types.h>

#include "record/batch.h"
#include "record/json_corpus.h"
#include "record/type.h"

namespace gameflow::record {
namespace {

// One struct with everything, as generated code would have it.
struct Inner {
  Text id;
  Optional<u32> level;
};
struct Everything {
  bool flag;
  i8 small;
  u8 tiny;
  i64 large;
  u64 huge;
  f32 ratio;
  f64 exact;
  Text name;
  Bytes blob;
  Inner inner;
  List<u16> numbers;
  List<Inner> inners;
  List<List<Text>> grid;
  Optional<Text> note;
  Optional<Inner> extra;
};

class Codec : public testing::Test {
 protected:
  Codec() {
    const auto* text = types.scalar(Kind::kString);
    const auto* u32_type = types.scalar(Kind::kU32);
    inner = types.object("inner", {{"id", text}, {"level", u32_type, true}});
    everything = types.object("everything", {{"flag", types.scalar(Kind::kBool)},
                                             {"small", types.scalar(Kind::kI8)},
                                             {"tiny", types.scalar(Kind::kU8)},
                                             {"large", types.scalar(Kind::kI64)},
                                             {"huge", types.scalar(Kind::kU64)},
                                             {"ratio", types.scalar(Kind::kF32)},
                                             {"exact", types.scalar(Kind::kF64)},
                                             {"name", text},
                                             {"blob", types.scalar(Kind::kBytes)},
                                             {"inner", inner},
                                             {"numbers", types.list_of(types.scalar(Kind::kU16))},
                                             {"inners", types.list_of(inner)},
                                             {"grid", types.list_of(types.list_of(text))},
                                             {"note", text, true},
                                             {"extra", inner, true}});
  }

  bool decode(const Type& type, std::string_view json, void* out) {
    input = std::string(json) + std::string(kPaddingBytes, '"');
    return decoder.decode(type, std::string_view(input).substr(0, json.size()), arena, out);
  }

  // The JSON of what `json` was decoded to; the mistake if it was refused.
  std::string again(const Type& type, std::string_view json) {
    std::vector<char> out(type.size + 16, '\x55');  // need not be initialised
    void* aligned = out.data() + (16 - reinterpret_cast<std::uintptr_t>(out.data()) % 16);
    if (!decode(type, json, aligned)) {
      const DecodeError& error = decoder.error();
      return std::string(to_string(error.code)) + " | " + error.field + " | " + error.message;
    }
    std::string encoded;
    encode_json(type, aligned, encoded);
    return encoded;
  }

  TypeTable types;
  const Type* inner;
  const Type* everything;
  Decoder decoder;
  BlockArena arena;
  std::string input;
};

constexpr std::string_view kEverything =
    R"({"flag":true,"small":-128,"tiny":255,"large":-9223372036854775808,)"
    R"("huge":18446744073709551615,"ratio":0.1,"exact":-2.5e-300,"name":"Ann \"A\" é",)"
    R"("blob":"AAEC/w==","inner":{"id":"x","level":7},"numbers":[1,2,65535],)"
    R"("inners":[{"id":"a"},{"id":"b","level":0}],"grid":[[],["p","q"],["r"]],"note":"",)"
    R"("extra":{"id":"e"}})";

TEST_F(Codec, FillsTheStructOfTheSdk) {
  Everything out;
  ASSERT_EQ(sizeof out, everything->size);
  ASSERT_TRUE(decode(*everything, kEverything, &out)) << decoder.error().message;
  EXPECT_TRUE(out.flag);
  EXPECT_EQ(out.small, -128);
  EXPECT_EQ(out.tiny, 255);
  EXPECT_EQ(out.large, INT64_MIN);
  EXPECT_EQ(out.huge, UINT64_MAX);
  EXPECT_EQ(out.ratio, 0.1F);
  EXPECT_EQ(out.exact, -2.5e-300);
  EXPECT_EQ(out.name, Text("Ann \"A\" é"));
  ASSERT_EQ(out.blob.size, 4U);
  EXPECT_EQ(std::memcmp(out.blob.data, "\0\1\2\xFF", 4), 0);
  EXPECT_EQ(out.inner.id, Text("x"));
  EXPECT_EQ(out.inner.level.value(), 7U);
  ASSERT_EQ(out.numbers.size(), 3U);
  EXPECT_EQ(out.numbers[2], 65535);
  ASSERT_EQ(out.inners.size(), 2U);
  EXPECT_FALSE(out.inners[0].level.has_value());
  EXPECT_EQ(out.inners[1].level.value(), 0U);
  ASSERT_EQ(out.grid.size(), 3U);
  EXPECT_TRUE(out.grid[0].empty());
  EXPECT_EQ(out.grid[1][1], Text("q"));
  EXPECT_EQ(out.note.value(), Text(""));
  EXPECT_EQ(out.extra.value().id, Text("e"));
  EXPECT_FALSE(out.extra.value().level.has_value());
}

TEST_F(Codec, TextIsAViewUnlessItIsEscaped) {
  Text out;
  const auto inside = [&](const char* data) {
    return data >= input.data() && data < input.data() + input.size();
  };
  ASSERT_TRUE(decode(*types.scalar(Kind::kString), R"("plain")", &out));
  EXPECT_TRUE(inside(out.data()));
  ASSERT_TRUE(decode(*types.scalar(Kind::kString), R"("esc\u0061ped")", &out));
  EXPECT_FALSE(inside(out.data()));
  EXPECT_EQ(out, Text("escaped"));
}

TEST_F(Codec, RoundTripOfEverything) {
  EXPECT_EQ(again(*everything, kEverything), kEverything);
}

struct Row {
  const char* name;
  std::string json;
  std::string result;  // what it encodes to again, or "code | field | message"
};

// Of the type inner: {id: string, level?: u32}
const std::vector<Row> kInnerRows{
    {"in order", R"({"id":"a","level":1})", R"({"id":"a","level":1})"},
    {"other order", R"({"level":1,"id":"a"})", R"({"id":"a","level":1})"},
    {"white space", "\n{ \"id\" :\t\"a\" , \"level\" : 1 }\r\n", R"({"id":"a","level":1})"},
    {"optional absent", R"({"id":"a"})", R"({"id":"a"})"},
    {"optional null", R"({"id":"a","level":null})", R"({"id":"a"})"},
    {"last of repeated", R"({"id":"a","id":"b"})", R"({"id":"b"})"},
    {"null after value", R"({"id":"a","level":1,"level":null})", R"({"id":"a"})"},
    {"value after null", R"({"level":null,"id":"a","level":2})", R"({"id":"a","level":2})"},
    {"escaped key", R"({"\u0069d":"a","le\u0076el":3})", R"({"id":"a","level":3})"},
    {"unknown fields", R"({"x":[1,{"y":"\n"}],"id":"a","z":null})", R"({"id":"a"})"},
    {"prefix of a key", R"({"i":1,"idx":2,"id":"a","levels":4})", R"({"id":"a"})"},
    {"escaped text", R"({"id":"\"\\\/\b\u00e9\ud83d\ude00"})", R"({"id":"\"\\/\bé😀"})"},
    {"empty object", "{}", "missing_field | id | missing field"},
    {"required absent", R"({"level":1})", "missing_field | id | missing field"},
    {"required null", R"({"id":null})", "wrong_type | id | expected string, found null"},
    {"wrong kind", R"({"id":7})", "wrong_type | id | expected string, found number 7"},
    {"object for text", R"({"id":{}})", "wrong_type | id | expected string, found an object"},
    {"text for number", R"({"id":"a","level":"abc"})",
     "wrong_type | level | expected u32, found string \"abc\""},
    {"whole number as float", R"({"id":"a","level":1.0})", R"({"id":"a","level":1})"},
    {"fraction for integer", R"({"id":"a","level":1.5})",
     "wrong_type | level | expected u32, found number 1.5"},
    {"negative for unsigned", R"({"id":"a","level":-1})",
     "wrong_type | level | expected u32 (0 to 4294967295), found number -1"},
    {"minus zero", R"({"id":"a","level":-0})", R"({"id":"a","level":0})"},
    {"no object", "[]", "wrong_type |  | expected an object, found a list"},
    {"text behind", R"({"id":"a"} x)",
     "invalid_json |  | invalid JSON at byte 11: expected '}' at the end, found 'x'"},
    {"object behind", R"({"id":"a"}{})",
     "invalid_json |  | invalid JSON at byte 10: something stands behind the value"},
    {"bad unknown field", R"({"id":"a","x":{"y":01}})",
     "invalid_json |  | invalid JSON at byte 19: malformed number"},
    {"bad UTF-8 in unknown field", "{\"id\":\"a\",\"x\":\"\xFF\"}",
     "invalid_encoding |  | invalid UTF-8 at byte 15"},
    {"lone surrogate in unknown field", R"({"id":"a","x":"\ud800"})",
     "invalid_json |  | invalid JSON at byte 15: the string has an invalid escape"},
    {"lone surrogate in field", R"({"id":"\ud800"})",
     "invalid_json | id | invalid JSON at byte 7: the string has an invalid escape"},
    {"bad escape in unknown key", R"({"\q":1,"id":"a"})",
     "invalid_json |  | invalid JSON at byte 2: the string has an invalid escape"},
    {"word that is no null", R"({"id":"a","level":nul})",
     "invalid_json | level | invalid JSON at byte 18: expected a value, found 'n'"},
    {"missing comma", R"({"id":"a" "level":1})",
     "invalid_json |  | invalid JSON at byte 10: expected ',' or '}', found string \"level\""},
    {"long text is cut", R"({"id":"a","level":"0123456789012345678901234567890123456789xyz"})",
     "wrong_type | level | expected u32, found string "
     "\"0123456789012345678901234567890123456789…\""},
};

TEST_F(Codec, Objects) {
  for (const Row& row : kInnerRows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(again(*inner, row.json), row.result);
  }
}

TEST_F(Codec, PathsOfMistakes) {
  const auto* list = types.list_of(inner);
  const auto* outer = types.object("outer", {{"items", list}, {"deep", types.list_of(list), true}});
  const std::vector<Row> rows{
      {"item", R"({"items":[{"id":"a"},{"id":1}]})",
       "wrong_type | items[1].id | expected string, found number 1"},
      {"missing in item", R"({"items":[{}]})", "missing_field | items[0].id | missing field"},
      {"null item", R"({"items":[null]})",
       "wrong_type | items[0] | expected an object, found null"},
      {"list of lists", R"({"items":[],"deep":[[],[{"id":"a","level":-1}]]})",
       "wrong_type | deep[1][0].level | expected u32 (0 to 4294967295), found number -1"},
      {"no list", R"({"items":"x"})", "wrong_type | items | expected a list, found string \"x\""},
      {"open list", R"({"items":[{"id":"a"}})",
       "invalid_json | items | invalid JSON at byte 20: expected ',' or ']', found '}'"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(again(*outer, row.json), row.result);
  }
}

struct ScalarRow {
  Kind kind;
  std::string json, result;
};

const std::vector<ScalarRow> kScalars{
    {Kind::kBool, "true", "true"},
    {Kind::kBool, " false ", "false"},
    {Kind::kBool, "1", "wrong_type |  | expected bool, found number 1"},
    {Kind::kBool, "truex",
     "invalid_json |  | invalid JSON at byte 0: expected a value, found true"},
    {Kind::kI8, "-128", "-128"},
    {Kind::kI8, "128", "wrong_type |  | expected i8 (-128 to 127), found number 128"},
    {Kind::kU8, "256", "wrong_type |  | expected u8 (0 to 255), found number 256"},
    {Kind::kI16, "-32769", "wrong_type |  | expected i16 (-32768 to 32767), found number -32769"},
    {Kind::kU16, "65535", "65535"},
    {Kind::kI32, "-2147483648", "-2147483648"},
    {Kind::kU32, "4294967295", "4294967295"},
    {Kind::kI64, "9223372036854775807", "9223372036854775807"},
    {Kind::kI64, "9223372036854775808",
     "wrong_type |  | expected i64 (-9223372036854775808 to 9223372036854775807), found number "
     "9223372036854775808"},
    {Kind::kU64, "18446744073709551615", "18446744073709551615"},
    {Kind::kU64, "18446744073709551616",
     "wrong_type |  | expected u64 (0 to 18446744073709551615), found number "
     "18446744073709551616"},
    {Kind::kI8, "-100000000000000000000",
     "wrong_type |  | expected i8 (-128 to 127), found number -100000000000000000000"},
    {Kind::kI32, "1e400",
     "wrong_type |  | expected i32 (-2147483648 to 2147483647), found number 1e400"},
    {Kind::kBool, "1e400", "wrong_type |  | expected bool, found number 1e400"},
    {Kind::kU64, "500000000000000000000e-20", "5"},
    {Kind::kU64, "1e3", "1000"},
    {Kind::kU64, "5.0", "5"},
    {Kind::kU64, "5e0", "5"},
    {Kind::kU64, "50e-1", "5"},
    {Kind::kU64, "18446744073709551615.0", "18446744073709551615"},
    {Kind::kU64, "18446744073709551616.0",
     "wrong_type |  | expected u64 (0 to 18446744073709551615), found number "
     "18446744073709551616.0"},
    {Kind::kU64, "-0.0", "0"},
    {Kind::kU64, "5e-1", "wrong_type |  | expected u64, found number 5e-1"},
    {Kind::kI8, "-128.000", "-128"},
    {Kind::kI8, "-129.0", "wrong_type |  | expected i8 (-128 to 127), found number -129.0"},
    {Kind::kI64, "9.223372036854775807e18", "9223372036854775807"},
    {Kind::kI64, "1e300",
     "wrong_type |  | expected i64 (-9223372036854775808 to 9223372036854775807), found number "
     "1e300"},
    {Kind::kTimestamp, R"("2024-11-12T10:15:30Z")", R"("2024-11-12T10:15:30Z")"},
    {Kind::kTimestamp, R"("2024-11-12T10:15:30.2509")", R"("2024-11-12T10:15:30.250Z")"},
    {Kind::kTimestamp, R"("1969-12-31T23:59:59.999-02:00")", R"("1970-01-01T01:59:59.999Z")"},
    {Kind::kTimestamp, R"("0001-01-01T00:00:00")", R"("0001-01-01T00:00:00Z")"},
    {Kind::kTimestamp, R"("9999-12-31\u0054T23:59:59.999Z")",
     R"(wrong_type |  | expected a timestamp as ISO 8601 text, found string "9999-12-31\u0054T23:59:59.999Z")"},
    {Kind::kTimestamp, R"("9999-12-31\u005423:59:59.999Z")", R"("9999-12-31T23:59:59.999Z")"},
    {Kind::kTimestamp, R"("0001-01-01T00:00:00+00:01")",
     R"(wrong_type |  | expected timestamp (of years 1 to 9999), found string "0001-01-01T00:00:00+00:01")"},
    {Kind::kTimestamp, R"("20241112T101530Z")", R"("2024-11-12T10:15:30Z")"},
    {Kind::kTimestamp, R"("Tue, 12 Nov 2024 10:15:30 GMT")", R"("2024-11-12T10:15:30Z")"},
    {Kind::kTimestamp, R"("1731406530250")", R"("2024-11-12T10:15:30.250Z")"},
    {Kind::kTimestamp, "1731406530000",
     "wrong_type |  | expected a timestamp as ISO 8601 text, found number 1731406530000"},
    {Kind::kTimestamp, "null", "wrong_type |  | expected a timestamp as ISO 8601 text, found null"},
    {Kind::kJson, R"({"a" : [1, 123456789012345678901234567890, 1e999] })",
     R"({"a" : [1, 123456789012345678901234567890, 1e999] })"},
    {Kind::kJson, " null ", "null"},
    {Kind::kJson, "-12.50", "-12.50"},
    {Kind::kJson, R"("a\"b")", R"("a\"b")"},
    {Kind::kJson, "{\"a\":01}", "invalid_json |  | invalid JSON at byte 5: malformed number"},
    {Kind::kF64, "7", "7"},
    {Kind::kF64, "18446744073709551615", "1.8446744073709552e+19"},
    {Kind::kF64, "100000000000000000000", "1e+20"},
    {Kind::kF64, "-123456789012345678901234567890", "-1.2345678901234568e+29"},
    {Kind::kF32, "100000000000000000000", "1e+20"},
    {Kind::kF64, "1e400",
     "out_of_range |  | expected f64 (up to 1.7976931348623157e308), found number 1e400"},
    {Kind::kF32, "-1e400",
     "out_of_range |  | expected f32 (up to 3.4028235e38), found number -1e400"},
    {Kind::kF64, "1.8446744073709552e+19", "1.8446744073709552e+19"},
    {Kind::kF64, "-123456789012345678", "-123456789012345680"},
    {Kind::kF32, "1e20", "1e+20"},
    {Kind::kF64, "-0.0", "-0"},
    {Kind::kF64, "-0", "-0"},
    {Kind::kF32, "-0", "-0"},
    {Kind::kF64, "5e-324", "5e-324"},
    {Kind::kF64, "0.1000000000000000055511151231257827", "0.1"},
    {Kind::kF64, "\"1\"", "wrong_type |  | expected f64, found string \"1\""},
    {Kind::kF32, "16777217", "16777216"},
    {Kind::kF32, "3.4028235e38", "3.4028235e+38"},
    {Kind::kF32, "3.5e38",
     "out_of_range |  | expected f32 (up to 3.4028235e38), found number 3.5e38"},
    {Kind::kF32, "1e-60", "0"},
    {Kind::kF32, "1.00000017881393432617187499", "1.0000001"},  // by way of a double: 1.0000002
    {Kind::kString, "\"\"", "\"\""},
    {Kind::kString, "\"\\u0000\"", "\"\\u0000\""},
    {Kind::kBytes, "\"\"", "\"\""},
    {Kind::kBytes, "\"AA==\"", "\"AA==\""},
    {Kind::kBytes, R"("\/\/8=")", R"("//8=")"},
    {Kind::kBytes, "\"AAE\"",
     "invalid_encoding |  | expected bytes as base64, found string \"AAE\""},
    {Kind::kBytes, "\"AB==\"",
     "invalid_encoding |  | expected bytes as base64, found string \"AB==\""},
    {Kind::kBytes, "\"A=A=\"",
     "invalid_encoding |  | expected bytes as base64, found string \"A=A=\""},
    {Kind::kBytes, "\"A-A_\"",
     "invalid_encoding |  | expected bytes as base64, found string \"A-A_\""},
    {Kind::kString, "", "invalid_json |  | invalid JSON at byte 0: the text is empty"},
};

TEST_F(Codec, Decimals) {
  const std::vector<Row> rows{
      {"digits", "-9.8", "-9.80"},
      {"text", R"("9.80")", "9.80"},
      {"zero", "-0", "0.00"},
      {"below one", "-0.05", "-0.05"},
      {"exponent", "1.5e1", "15.00"},
      {"negative exponent", "150e-2", "1.50"},
      {"largest", "92233720368547758.07", "92233720368547758.07"},
      {"smallest", "-92233720368547758.08", "-92233720368547758.08"},
      {"too large", "92233720368547758.08",
       "wrong_type |  | expected decimal (-92233720368547758.08 to 92233720368547758.07), found "
       "number 92233720368547758.08"},
      {"far too large", "1e300",
       "wrong_type |  | expected decimal (-92233720368547758.08 to 92233720368547758.07), found "
       "number 1e300"},
      {"too many digits", "1.234",
       "wrong_type |  | expected a number with at most 2 digits after the point, found number "
       "1.234"},
      {"zeros are digits", "1.500",
       "wrong_type |  | expected a number with at most 2 digits after the point, found number "
       "1.500"},
      {"no number", R"("1.5 ")",
       "wrong_type |  | expected a number with at most 2 digits after the point, found string "
       "\"1.5 \""},
      {"empty", R"("")",
       "wrong_type |  | expected a number with at most 2 digits after the point, found string "
       "\"\""},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(again(*types.decimal(2), row.json), row.result);
  }
  EXPECT_EQ(again(*types.decimal(0), "-7"), "-7");
  EXPECT_EQ(again(*types.decimal(18), "9.223372036854775807"), "9.223372036854775807");
}

TEST_F(Codec, TimestampsAsNumbers) {
  const std::vector<std::tuple<TimeUnit, std::string, std::string>> rows{
      {TimeUnit::kSeconds, "1731406530", R"("2024-11-12T10:15:30Z")"},
      {TimeUnit::kSeconds, "1731406530.2509", R"("2024-11-12T10:15:30.250Z")"},
      {TimeUnit::kSeconds, "1.73140653e9", R"("2024-11-12T10:15:30Z")"},
      {TimeUnit::kSeconds, "-0.0001", R"("1969-12-31T23:59:59.999Z")"},
      {TimeUnit::kMilliseconds, "-1", R"("1969-12-31T23:59:59.999Z")"},
      {TimeUnit::kMicroseconds, "1731406530250999", R"("2024-11-12T10:15:30.250Z")"},
      {TimeUnit::kMicroseconds, "-1", R"("1969-12-31T23:59:59.999Z")"},
      {TimeUnit::kMilliseconds, R"("2024-11-12T10:15:30Z")", R"("2024-11-12T10:15:30Z")"},
      {TimeUnit::kSeconds, "1731406530000000",
       "wrong_type |  | expected timestamp (of years 1 to 9999), found number 1731406530000000"},
      {TimeUnit::kSeconds, "true",
       "wrong_type |  | expected a timestamp as a number or ISO 8601 text, found true"},
  };
  for (const auto& [unit, json, result] : rows)
    EXPECT_EQ(again(*types.timestamp(unit), json), result) << json;
}

TEST_F(Codec, Enums) {
  const Type* const fruit =
      types.enumeration("fruit", {{.name = "apple"}, {.name = "red-pear", .read_name = "RedPear"}});
  const std::vector<Row> rows{
      {"known", R"("apple")", R"("apple")"},
      {"read and written under other names", R"("RedPear")", R"("red-pear")"},
      {"escape", R"("\u0061pple")", R"("apple")"},
      {"unknown", R"("kiwi")",
       "wrong_type |  | expected one of apple, RedPear, found string \"kiwi\""},
      {"other case", R"("Apple")",
       "wrong_type |  | expected one of apple, RedPear, found string \"Apple\""},
      {"number", "0", "wrong_type |  | expected one of apple, RedPear, found number 0"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(again(*fruit, row.json), row.result);
  }
}

TEST_F(Codec, Unions) {
  const Type* const operation = types.enumeration(
      "operation",
      {{.name = "freeze"}, {.name = "open", .type = inner}, {"pay", types.decimal(2)}});
  const std::string expected = R"(expected one of freeze, {"open": …}, {"pay": …})";
  const std::vector<Row> rows{
      {"without value", R"("freeze")", R"("freeze")"},
      {"null is its value", R"({"freeze" : null})", R"("freeze")"},
      {"object", R"({"open":{"id":"a"}})", R"({"open":{"id":"a"}})"},
      {"scalar", R"( { "pay" : 5 } )", R"({"pay":5.00})"},
      {"value for none", R"({"freeze":1})", "wrong_type | freeze | expected null, found number 1"},
      {"no value", R"("open")", "wrong_type |  | " + expected + R"(, found string "open")"},
      {"unknown", R"({"close":{}})",
       "wrong_type |  | " + expected + R"(, found an object with "close")"},
      {"empty", "{}", "wrong_type |  | " + expected + ", found an object"},
      {"two", R"({"pay":1,"open":{}})",
       "wrong_type |  | " + expected + ", found an object with more than one key"},
      {"mistake inside", R"({"open":{"id":7}})",
       "wrong_type | open.id | expected string, found number 7"},
      {"null", "null", "wrong_type |  | " + expected + ", found null"},
      {"open end", R"({"pay":1)",
       "invalid_json |  | invalid JSON at byte 7: expected '}' at the "
       "end, found number 1"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(again(*operation, row.json), row.result);
  }
}

TEST_F(Codec, Maps) {
  const Type* const map = types.map_of(types.map_of(types.scalar(Kind::kU8)));
  std::string many = "{", kept = "{";
  for (int i = 0; i < 100; ++i) {
    many += fmt::format("\"{}\":{{}},", i % 50);
    if (i < 50) kept += fmt::format("{}\"{}\":{{}}", i == 0 ? "" : ",", i);
  }
  many.back() = '}';
  const std::vector<Row> rows{
      {"empty", "{ }", "{}"},
      {"in order", R"({"b":{"x":1},"a":{}})", R"({"b":{"x":1},"a":{}})"},
      {"last of repeated, in the first place", R"({"a":{"x":1},"b":{},"a":{"x":2,"x":3}})",
       R"({"a":{"x":3},"b":{}})"},
      {"many repeated", many, kept + "}"},
      {"odd keys", R"({"":{"\u00e9\n.":1}})", R"({"":{"é\n.":1}})"},
      {"mistake", R"({"a":{"x":300}})",
       "wrong_type | a.x | expected u8 (0 to 255), found number 300"},
      {"list", "[]", "wrong_type |  | expected an object, found a list"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(again(*map, row.json), row.result);
  }
}

TEST_F(Codec, NamesAndFallbacks) {
  const std::uint16_t seven = 7;
  const char* const bytes = reinterpret_cast<const char*>(&seven);
  Field level{"level", types.scalar(Kind::kU16)};
  level.fallback.assign(bytes, bytes + sizeof seven);
  Field url{"image-url", types.scalar(Kind::kString)};
  url.read_name = "imageUrl";
  url.write_name = "image_url";
  const Type* const item = types.object("item", {url, level});
  const Type* const outer =
      types.object("outer", {{"item", item, true}, {"items", types.list_of(item)}});
  const std::vector<Row> rows{
      {"absent and null", R"({"items":[{"imageUrl":"a"},{"imageUrl":"b","level":null}]})",
       R"({"items":[{"image_url":"a","level":7},{"image_url":"b","level":7}]})"},
      {"there", R"({"item":{"imageUrl":"a","level":0},"items":[]})",
       R"({"item":{"image_url":"a","level":0},"items":[]})"},
      {"null after a value", R"({"item":{"imageUrl":"a","level":1,"level":null},"items":[]})",
       R"({"item":{"image_url":"a","level":7},"items":[]})"},
      {"escaped name", R"({"items":[{"image\u0055rl":"a"}]})",
       R"({"items":[{"image_url":"a","level":7}]})"},
      {"the written name is not read", R"({"items":[{"image_url":"a"}]})",
       "missing_field | items[0].imageUrl | missing field"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(again(*outer, row.json), row.result);
  }
}

TEST_F(Codec, Scalars) {
  for (const ScalarRow& row : kScalars) {
    SCOPED_TRACE(std::string(to_string(row.kind)) + " " + row.json);
    EXPECT_EQ(again(*types.scalar(row.kind), row.json), row.result);
  }
}

TEST_F(Codec, ManyFieldsAndLongOrOddNames) {
  std::vector<Field> fields;
  std::string json = "{";
  for (int i = 0; i < 130; ++i) {
    fields.push_back({fmt::format("a_rather_long_field_name_{}", i), types.scalar(Kind::kU32)});
    json += fmt::format("\"{}\":{},", fields.back().name, i);
  }
  fields.push_back({"odd \"name\"\\\n", types.scalar(Kind::kBool)});
  json += R"("odd \"name\"\\\n":true})";
  const Type& type = *types.object("wide", fields);
  EXPECT_EQ(again(type, json), json);
  const auto at = json.find("\"a_rather_long_field_name_129\":129,");
  std::string without = json;
  without.erase(at, std::strlen("\"a_rather_long_field_name_129\":129,"));
  EXPECT_EQ(again(type, without), "missing_field | a_rather_long_field_name_129 | missing field");
}

TEST_F(Codec, DeepAndEndlessNestingIsRefused) {
  const Type* type = types.scalar(Kind::kU8);
  for (std::size_t i = 0; i < kJsonDepthMax + 1; ++i) type = types.list_of(type);
  const std::string open(kJsonDepthMax + 1, '['), close(kJsonDepthMax + 1, ']');
  EXPECT_NE(again(*type, open + close).find("nested deeper than 128"), std::string::npos);
  EXPECT_EQ(again(*type->item, open.substr(1) + close.substr(1)), open.substr(1) + close.substr(1));
  std::string bomb = R"({"id":"a","x":)";
  for (int i = 0; i < 100'000; ++i) bomb += '[';
  EXPECT_NE(again(*inner, bomb).find("invalid_json"), std::string::npos);
  bomb += std::string(100'000, ']') + "}";
  EXPECT_NE(again(*inner, bomb).find("nested deeper than 128"), std::string::npos);
}

TEST_F(Codec, ListsThatNeedTooMuchMemoryAreRefused) {
  std::vector<Field> fields;
  for (int i = 0; i < 64; ++i) {
    fields.push_back({fmt::format("f{}", i), types.scalar(Kind::kString), true});
  }
  const Type* list = types.list_of(types.object("sparse", fields));
  std::string json = "[";
  for (int i = 0; i < 200'000; ++i) json += "{},";
  json.back() = ']';
  EXPECT_NE(again(*list, json).find("payload_too_large"), std::string::npos);
}

// Whatever is decoded must be JSON for the DOM too: the walker of typed values is another one than
// the walker of skipped ones.
TEST_F(Codec, BrokenSampleEventsAreRefusedWhereCheckRefusesThem) {
  const auto* text = types.scalar(Kind::kString);
  const auto* user = types.object("user", {{"user_id", text, true}, {"platform", text, true}});
  const auto* parameters =
      types.object("parameters", {{"player_id", text, true},
                                  {"level_id", text, true},
                                  {"amount", types.scalar(Kind::kF64), true},
                                  {"cpu_load", types.scalar(Kind::kU8), true}});
  const auto* event = types.object("event", {{"event_name", text, true},
                                             {"parameters", parameters, true},
                                             {"user_data", user, true},
                                             {"server_data", user, true}});
  std::vector<char> out(event->size + 16);
  const std::vector<std::string> pieces{"\"", "\\", "{", "}", "[", "]",
                                        ",",  ":",  "0", "-", "n", "x"};
  std::size_t accepted = 0;
  for (const std::string& sample : sample_events()) {
    for (std::size_t at = 0; at < sample.size(); ++at) {
      std::vector<std::string> broken{sample.substr(0, at), sample.substr(at)};
      for (const std::string& piece : pieces) {
        broken.push_back(sample.substr(0, at) + piece + sample.substr(at));
        broken.push_back(sample.substr(0, at) + piece + sample.substr(at + 1));
      }
      for (const std::string& json : broken) {
        const bool decoded = decode(*event, json, out.data());
        const DecodeError error = decoder.error();
        const bool valid = decoder.check(std::string_view(input).substr(0, json.size()));
        accepted += decoded ? 1 : 0;
        ASSERT_TRUE(valid || !decoded) << json;
        if (valid && !decoded) {
          ASSERT_TRUE(error.code == ErrorCode::kWrongType || error.code == ErrorCode::kOutOfRange)
              << json << "\n"
              << error.message;
        }
      }
    }
  }
  EXPECT_GT(accepted, 1000U);
}

TEST_F(Codec, RandomValuesRoundTrip) {
  std::mt19937_64 random(1);
  const auto text = [&] {
    std::string value;
    for (std::uint64_t i = random() % 20; i > 0; --i) {
      static constexpr const char* kPieces[] = {"a",    "Z", "\"", "\\", "\n",
                                                "\x01", "é", "€",  "😀",  " "};
      value += kPieces[random() % std::size(kPieces)];
    }
    std::string json;
    encode_json_string(value, json);
    return json;
  };
  const auto number = [&](auto limits) {
    using T = decltype(limits);
    std::string json;
    T value;
    const std::uint64_t bits = random() >> random() % 64;
    std::memcpy(&value, &bits, sizeof value);
    if constexpr (std::is_floating_point_v<T>) {
      if (!std::isfinite(value)) value = 0;
    }
    char digits[40];
    return std::string(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  };
  for (int round = 0; round < 2000; ++round) {
    std::string json = fmt::format(
        R"({{"flag":{},"small":{},"tiny":{},"large":{},"huge":{},"ratio":{},"exact":{},"name":{},)",
        random() % 2 == 0, number(i8{}), number(u8{}), number(i64{}), number(u64{}), number(f32{}),
        number(f64{}), text());
    json += fmt::format(R"("blob":"","inner":{{"id":{},"level":{}}},"numbers":[{},{}],)", text(),
                        number(u32{}), number(u16{}), number(u16{}));
    json += fmt::format(R"("inners":[{{"id":{}}}],"grid":[[],[{}]])", text(), text());
    if (random() % 2 == 0) json += fmt::format(R"(,"note":{})", text());
    json += '}';
    ASSERT_EQ(again(*everything, json), json);
    if (round % 100 == 0) arena.reset();
  }
}

TEST(Minify, RemovesWhiteSpaceOutsideStrings) {
  std::string out = "x";
  minify_json(" { \"a b\" : [ 1 ,\n 2 ] }\t", out);
  EXPECT_EQ(out, R"(x{"a b":[1,2]})");
  for (const std::string& event : sample_events()) {
    std::string line;
    minify_json(event, line);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_LT(line.size(), event.size());
  }
}

TEST(Utf8, IsValid) {
  EXPECT_TRUE(is_valid_utf8(""));
  EXPECT_TRUE(is_valid_utf8("é€😀"));
  EXPECT_FALSE(is_valid_utf8("\xC0\x80"));
}

}  // namespace
}  // namespace gameflow::record
