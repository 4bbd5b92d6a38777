// The types and functions that operators use, without an engine.
#include <sstream>
#include <unordered_set>
#include <vector>

#include <gtest/gtest.h>

#include <gameflow/batch.h>

namespace gameflow {
namespace {

// An arena that never gives memory back, over one block.
struct TestArena : Arena {
  explicit TestArena(std::size_t bytes = 1U << 16) : block(bytes) {
    cursor = block.data();
    end = cursor + bytes;
    detail::current_arena = this;
  }
  ~TestArena() { detail::current_arena = nullptr; }
  bool holds(const void* pointer) const {
    return pointer >= block.data() && pointer < block.data() + block.size();
  }
  std::vector<char> block;
};

struct TimeRow {
  std::string_view text;
  i64 time_ms;
};

TEST(ParseTime, ReadsIso8601) {
  constexpr TimeRow kRows[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"1970-01-01T00:00:00", 0},
      {"1970-01-01t00:00:00z", 0},
      {"1970-01-01 00:00:00", 0},
      {"1969-12-31T23:59:59.999Z", -1},
      {"2024-11-12T10:15:30", 1731406530000},
      {"2024-11-12T10:15:30.1", 1731406530100},
      {"2024-11-12T10:15:30.12Z", 1731406530120},
      {"2024-11-12T10:15:30.123", 1731406530123},
      {"2024-11-12T10:15:30.1239", 1731406530123},
      {"2024-11-12T10:15:30.123456", 1731406530123},
      {"2024-11-12T10:15:30.123456789Z", 1731406530123},
      {"2024-11-12T10:15:30+02:00", 1731399330000},
      {"2024-11-12T10:15:30+0200", 1731399330000},
      {"2024-11-12T10:15:30.5-05:30", 1731426330500},
      {"2024-11-12T10:15:30-00:00", 1731406530000},
      {"2024-02-29T00:00:00Z", 1709164800000},
      {"2000-02-29T00:00:00Z", 951782400000},
      {"2016-12-31T23:59:60Z", 1483228799999},  // a leap second
      {"0001-01-01T00:00:00Z", -62135596800000},
      {"9999-12-31T23:59:59.999Z", 253402300799999},
  };
  for (const TimeRow& row : kRows) {
    i64 time_ms = 0;
    EXPECT_TRUE(parse_time(row.text, &time_ms)) << row.text;
    EXPECT_EQ(time_ms, row.time_ms) << row.text;
  }
}

TEST(ParseTime, RefusesEverythingElse) {
  constexpr std::string_view kRows[] = {"",
                                        "2024",
                                        "2024-11-12",
                                        "2024-11-12T10:15",
                                        "2024-11-12T10:15:3",
                                        "2024-11-12X10:15:30",
                                        "2024-13-12T10:15:30",
                                        "2024-00-12T10:15:30",
                                        "2024-11-31T10:15:30",
                                        "2023-02-29T10:15:30",
                                        "1900-02-29T10:15:30",
                                        "2024-11-00T10:15:30",
                                        "2024-11-12T24:15:30",
                                        "2024-11-12T10:60:30",
                                        "2024-11-12T10:15:61",
                                        "0000-11-12T10:15:30",
                                        "2024-11-12T10:15:30.",
                                        "2024-11-12T10:15:30.1234567890",
                                        "2024-11-12T10:15:30ZZ",
                                        "2024-11-12T10:15:30 Z",
                                        "2024-11-12T10:15:30+2",
                                        "2024-11-12T10:15:30+02",
                                        "2024-11-12T10:15:30+02:0",
                                        "2024-11-12T10:15:30+02:000",
                                        "2024-11-12T10:15:30+24:00",
                                        "2024-11-12T10:15:30+02:60",
                                        "+024-11-12T10:15:30",
                                        "2024-11-12T10:15:30.1Zx",
                                        " 2024-11-12T10:15:30",
                                        "1731406530000"};
  for (const std::string_view text : kRows) {
    i64 time_ms = 77;
    EXPECT_FALSE(parse_time(text, &time_ms)) << text;
    EXPECT_EQ(time_ms, 77) << text;
    EXPECT_EQ(parse_time(text, i64{5}), 5) << text;
    EXPECT_EQ(parse_time(text, 0), 0) << text;
    EXPECT_THROW(parse_time(text), std::invalid_argument) << text;
  }
}

TEST(ParseTime, RefusesEveryPrefix) {
  constexpr std::string_view kTime = "2024-11-12T10:15:30.25+02:00";
  for (std::size_t size = 0; size < kTime.size(); ++size) {
    const std::string exact(kTime.substr(0, size));  // of its own, so that sanitizers watch the end
    i64 time_ms = 0;
    const bool complete = size == 19 || size == 21 || size == 22;
    EXPECT_EQ(parse_time(exact, &time_ms), complete) << exact;
  }
}

TEST(TextType, CopiesWhatMightGoAway) {
  TestArena memory;
  const Text literal = "literal";
  EXPECT_FALSE(memory.holds(literal.data()));
  const Text from_string = std::string("a string that is not short enough for itself");
  EXPECT_TRUE(memory.holds(from_string.data()));
  const std::string outside = "outside";
  EXPECT_EQ(Text::view(outside).data(), outside.data());
  EXPECT_TRUE(memory.holds(Text(std::string_view(outside)).data()));
  EXPECT_TRUE(memory.holds((literal + "-" + outside).data()));
  EXPECT_EQ(literal + "-" + outside, "literal-outside");
  EXPECT_EQ(Text(std::string()).size(), 0u);
  char buffer[16] = "abc";
  const Text from_buffer = buffer;
  EXPECT_TRUE(memory.holds(from_buffer.data()));
  EXPECT_EQ(from_buffer, "abc");
  EXPECT_EQ(Text(buffer[0] == 'a' ? "yes" : "no"), "yes");
  EXPECT_THROW(Text(static_cast<const char*>(nullptr)), std::logic_error);
}

TEST(TextType, IsUsedLikeAStringView) {
  TestArena memory;
  const Text map = "eu-west/arena-7";
  const std::size_t slash = map.find('/');
  EXPECT_EQ(slash, 7u);
  EXPECT_EQ(map.substr(0, slash), "eu-west");
  EXPECT_EQ(map.substr(slash + 1).data(), map.data() + 8);
  EXPECT_THROW(map.substr(16), std::out_of_range);
  EXPECT_EQ(map.find("arena"), 8u);
  EXPECT_EQ(map.find("east"), Text::npos);
  EXPECT_EQ(map.find('e', 1), 4u);
  EXPECT_EQ(map.rfind('-'), 13u);
  EXPECT_EQ(map.rfind("west"), 3u);
  EXPECT_EQ(map[14], '7');
  EXPECT_THROW(map[15], std::out_of_range);
  EXPECT_EQ(std::string(map.begin(), map.end()), "eu-west/arena-7");
  Text path = map.substr(0, 2);
  path += "/";
  path += std::string("x");
  EXPECT_EQ(path, "eu/x");
  EXPECT_EQ(map, "eu-west/arena-7");
  EXPECT_EQ((map + "").data(), map.data());
  EXPECT_EQ(("" + map).data(), map.data());
}

TEST(TextType, ComparesWithOtherTextsWithoutACopy) {
  const TestArena memory(0);  // has no room
  const Text text = "a text that is too long for a std::string's own bytes";
  const std::string string(text.view());
  const std::string_view view = string;
  EXPECT_TRUE(text == string && string == text && text == view && view == text);
  EXPECT_TRUE(text <= string && string <= text && text < "b" && !(view < text));
  EXPECT_FALSE(text != string || text != view);
}

TEST(TextType, LastsWhenMadeOutsideOfACall) {
  ASSERT_EQ(detail::current_arena, nullptr);
  static const Text kPrefix = std::string("level-");
  static const List<u32> kLevels{1, 2, 3};
  const Text large = std::string(100'000, 'x');
  TestArena memory;
  EXPECT_EQ(kPrefix + std::to_string(kLevels[2]), "level-3");
  EXPECT_EQ(large.size(), 100'000u);
  EXPECT_FALSE(memory.holds(kPrefix.data()));
}

TEST(TextType, ComparesAndPrints) {
  EXPECT_LT(Text("a"), Text("b"));
  EXPECT_LT(Text(""), Text("a"));
  EXPECT_EQ(Text("a"), "a");
  EXPECT_NE(Text("a"), Text("ab"));
  EXPECT_TRUE(Text("level-2").starts_with("level"));
  EXPECT_TRUE(Text("level-2").ends_with("-2"));
  std::ostringstream out;
  out << Text("shown");
  EXPECT_EQ(out.str(), "shown");
  EXPECT_EQ((std::unordered_set<Text>{"a", "b", "a"}.size()), 2u);
}

TEST(ListType, GrowsInTheArenaAndChecksIndexes) {
  TestArena memory;
  List<i64> list{1, 2, 3};
  for (i64 i = 4; i <= 100; ++i) list.push_back(i);
  ASSERT_EQ(list.size(), 100u);
  i64 sum = 0;
  for (const i64 item : list) sum += item;
  EXPECT_EQ(sum, 5050);
  EXPECT_TRUE(memory.holds(list.begin()));
  EXPECT_EQ(list[99], 100);
  EXPECT_THROW(list[100], std::out_of_range);
  list.resize_down(2);
  EXPECT_EQ(list.size(), 2u);
  list.resize_down(50);
  EXPECT_EQ(list.size(), 2u);
  EXPECT_TRUE(List<i64>().empty());
  EXPECT_THROW(list.reserve(std::size_t{1} << 32), std::length_error);
  EXPECT_THROW(list.reserve(1U << 20), std::bad_alloc);  // more than this arena has
  EXPECT_EQ(list[1], 2);
}

TEST(OptionalType, IsTheValueThenAFlag) {
  EXPECT_EQ(sizeof(Optional<u8>), 2u);
  EXPECT_EQ(sizeof(Optional<i64>), 16u);
  EXPECT_EQ(sizeof(Optional<Text>), 24u);
  Optional<u32> level;
  EXPECT_FALSE(level);
  EXPECT_EQ(level.value_or(7), 7u);
  EXPECT_THROW(level.value(), std::logic_error);
  EXPECT_THROW(*level, std::logic_error);
  level = 3;
  EXPECT_TRUE(level.has_value());
  EXPECT_EQ(*level, 3u);
  EXPECT_TRUE(level == 3);
  EXPECT_TRUE(level != 4);
  level.reset();
  EXPECT_FALSE(level);
  EXPECT_FALSE(level == 0);
  level = {};
  EXPECT_FALSE(level);
  Optional<Text> name = "ann";
  EXPECT_TRUE(name == "ann");
  EXPECT_TRUE(name == Optional<Text>("ann"));
  EXPECT_TRUE(name != Optional<Text>());
  name = {};
  EXPECT_FALSE(name == "");
}

template <class Integer>
void expect_ordered(const std::vector<Integer>& ascending) {
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    const Text key = encode_key(ascending[i]);
    ASSERT_EQ(key.size(), 8u);
    if constexpr (std::is_signed_v<Integer>) {
      EXPECT_EQ(decode_signed_key(key), ascending[i]);
    } else {
      EXPECT_EQ(decode_unsigned_key(key), ascending[i]);
    }
    for (std::size_t k = 0; k < i; ++k) EXPECT_LT(encode_key(ascending[k]), key);
  }
}

TEST(Keys, SortAsWhatTheyStandFor) {
  TestArena memory;
  expect_ordered<i64>({INT64_MIN, INT64_MIN + 1, -256, -255, -1, 0, 1, 255, 256, INT64_MAX});
  expect_ordered<i8>({-128, -1, 0, 1, 127});
  expect_ordered<u64>({0, 1, 255, 256, 1ULL << 63, UINT64_MAX});
  expect_ordered<u16>({0, 255, 256, 65535});
  EXPECT_LT(encode_key(false), encode_key(true));
  EXPECT_EQ(encode_key(false).size(), 1u);
  EXPECT_EQ(encode_key(Text("ann")), "ann");
}

TEST(WindowFunction, IsForCallsThatHaveAWindow) {
  TestArena memory;
  abi::Call call{};
  call.arena = &memory;
  const detail::CallScope scope(&call);
  EXPECT_THROW(window(), std::logic_error);
  call.window_start_ms = 5000;
  call.window_end_ms = 10000;
  EXPECT_EQ(window().start, 5000);
  EXPECT_EQ(window().end, 10000);
}

TEST(WindowFunction, NeedsACall) {
  EXPECT_THROW(window(), std::logic_error);
}

TEST(StateRows, AreForUpdateStateOnly) {
  EXPECT_THROW(detail::current_row<u32>(0), std::logic_error);
}

}  // namespace
}  // namespace gameflow
