#include <gtest/gtest.h>

#include "base/ascii.h"
#include "base/closest.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/number.h"
#include "base/time.h"

namespace gameflow {
namespace {

struct DurationCase {
  const char* text;
  std::int64_t ms;  // -1: not a duration
  const char* canonical;
};

constexpr DurationCase kDurations[] = {
    {"250ms", 250, "250ms"},
    {"5s", 5'000, "5s"},
    {"60s", 60'000, "1m"},
    {"1h", 3'600'000, "1h"},
    {"7d", 604'800'000, "7d"},
    {"0s", 0, "0ms"},
    {"5", -1, ""},
    {"-5s", -1, ""},
    {"5 s", -1, ""},
    {"s", -1, ""},
    {"", -1, ""},
    {"99999999999999d", -1, ""},
};

TEST(Duration, ReadsOneNumberAndOneUnit) {
  for (const DurationCase& row : kDurations) {
    const auto duration = parse_duration(row.text);
    ASSERT_EQ(duration.has_value(), row.ms >= 0) << row.text;
    if (!duration) continue;
    EXPECT_EQ(duration->ms, row.ms) << row.text;
    EXPECT_EQ(format_duration(*duration), row.canonical);
  }
}

TEST(Timestamp, IsWrittenAsIso8601) {
  EXPECT_EQ(format_timestamp({1'731'406'530'000}), "2024-11-12T10:15:30Z");
  EXPECT_EQ(format_timestamp({1'731'406'530'250}), "2024-11-12T10:15:30.250Z");
  EXPECT_EQ(format_timestamp({-1}), "1969-12-31T23:59:59.999Z");
}

TEST(Ascii, OnlyItsLettersAreLowered) {
  EXPECT_EQ(lower_case("Player_ID 7 [\\] @{É}"), "player_id 7 [\\] @{É}");
  static_assert(lower_case('Z') == 'z' && lower_case('@') == '@' && lower_case('[') == '[');
}

Result<int> half(int value) {
  if (value % 2 != 0) return fail(ErrorCode::kInvalidArgument, "odd");
  return value / 2;
}

Result<int> quarter(int value) {
  GF_ASSIGN(const int once, half(value));
  return half(once);
}

TEST(Result, TryMacrosPassErrorsOn) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).error().message, "odd");
  EXPECT_EQ(to_string(quarter(6).error().code), "invalid_argument");
}

TEST(Closest, IsASlipOfThePenAway) {
  const std::vector<std::string_view> words = {"sources", "states", "window", "sinks", "u8", "id"};
  EXPECT_EQ(closest("sorces", words), "sources");
  EXPECT_EQ(closest("soucres", words), "sources");
  EXPECT_EQ(closest("sink", words), "sinks");
  EXPECT_EQ(closest("u9", words), "u8");
  EXPECT_EQ(closest("widow", words), "window");
  EXPECT_EQ(closest("transforms", words), "");
  EXPECT_EQ(closest("", words), "");
  EXPECT_EQ(closest("x", words), "");
  EXPECT_EQ(closest(std::string(10'000, 's'), words), "");
}

TEST(Number, IsAllOfTheText) {
  EXPECT_EQ(to_number<std::uint32_t>("4294967295"), 4294967295U);
  EXPECT_EQ(to_number<int>("-7"), -7);
  for (const char* wrong : {"", "-1", "+1", " 1", "1 ", "1.0", "4294967296", "x"})
    EXPECT_FALSE(to_number<std::uint32_t>(wrong)) << wrong;
}

TEST(Hex, ComesBack) {
  EXPECT_EQ(to_hex(std::string_view("\0\x0f\xffz", 4)), "000fff7a");
  EXPECT_EQ(from_hex("000FfF7a"), std::string("\0\x0f\xffz", 4));
  EXPECT_EQ(from_hex(""), "");
  for (const char* wrong : {"0", "0g", "g0", "+1", " 1", "0x"})
    EXPECT_FALSE(from_hex(wrong)) << wrong;
}

}  // namespace
}  // namespace gameflow
