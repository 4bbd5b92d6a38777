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
      {"2024-11-12T10:15:30+02", 1731399330000},
      {"2024-11-12T10:15:30,5-0530", 1731426330500},
      {"2024-11-12", 1731369600000},
      {"2024-11-12T10:15", 1731406500000},
      {"2024-11-12 10:15Z", 1731406500000},
      {"2024-11-12T10:15+02:00", 1731399300000},
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

TEST(ParseTime, ReadsWhatOtherProgramsWrite) {
  constexpr TimeRow kRows[] = {
      {"20241112T101530Z", 1731406530000},
      {"20241112T1015Z", 1731406500000},
      {"20241112T101530.25+0200", 1731399330250},
      {"20241112 101530", 1731406530000},
      {"20241112101530", 1731406530000},
      {"20241112", 1731369600000},
      {"2024-11-12 10:15:30 UTC", 1731406530000},
      {"2024-11-12 10:15:30.5 GMT", 1731406530500},
      {"2024-11-12T10:15:30 Z", 1731406530000},
      {"2024-11-12 10:15:30 +0200", 1731399330000},
      {"2024-11-12T10:15:30+01:00[Europe/Berlin]", 1731402930000},
      {"2024-11-12T10:15Z[UTC]", 1731406500000},
      {"1731406530", 1731406530000},
      {"1731406530.25", 1731406530250},
      {"1731406530.123456", 1731406530123},
      {"1731406530250", 1731406530250},
      {"1731406530250123", 1731406530250},
      {"1731406530250123456", 1731406530250},
      {"946684800", 946684800000},
      {"4102444799999", 4102444799999},
      {"Tue, 12 Nov 2024 10:15:30 +0000", 1731406530000},
      {"Tue, 12 Nov 2024 10:15:30 GMT", 1731406530000},
      {"2 Nov 2024 10:15 -0530", 1730562300000},
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
                                        "2024-11",
                                        "2024-11-12T",
                                        "2024-11-12Z",
                                        "2024-11-12T10",
                                        "2024-11-12T10:1",
                                        "2024-11-12T10:15.5",
                                        "2024-11-12T10:15:",
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
                                        "2024-11-12T10:15:30 CET",
                                        "2024-11-12 UTC",
                                        "2024-11-12T10:15:30[Europe/Berlin]",
                                        "2024-11-12[UTC]",
                                        "2024-11-12T10:15:30Z[UTC",
                                        "2024-11-12T10:15:30Z[UTC]x",
                                        "2024-11-12T10:15:30Z[]",
                                        "20241312",
                                        "20241112T",
                                        "20241112T10",
                                        "20241112T101",
                                        "20241112X101530",
                                        "20241112T10153",
                                        "2024111",
                                        "12345678901234567890",
                                        "1731406530.",
                                        "1731406530,5",
                                        "1731406530250.5",
                                        "-1731406530",
                                        "1731406530s",
                                        "20241112101530250",  // a fraction without a point
                                        "202411121015",
                                        "2024111210",
                                        "20241131000000",
                                        "100000000",
                                        "100000000000",
                                        "253402300800",
                                        "17314065302500",
                                        "133758537300000000",  // ticks of Windows, and of .NET
                                        "638670141300000000",
                                        "Xyz, 12 Nov 2024 10:15:30 GMT",
                                        "onT, 12 Nov 2024 10:15:30 GMT",
                                        "Tue, 12 Nov 2024",
                                        "Tuesday, 12 Nov 2024 10:15:30 GMT",
                                        "Tue, 12 Nov 2024 10:15:30",
                                        "Tue, 12 nov 2024 10:15:30 GMT",
                                        "Tue, 31 Nov 2024 10:15:30 GMT",
                                        "Tue, 12 Nov 2024 10:15:30 EST",
                                        "2024-11-12T10:15:30+2",
                                        "2024-11-12T10:15:30+02:",
                                        "2024-11-12T10:15:30+020",
                                        "2024-11-12T10:15:30+02:0",
                                        "2024-11-12T10:15:30+02:000",
                                        "2024-11-12T10:15:30+24:00",
                                        "2024-11-12T10:15:30+02:60",
                                        "+024-11-12T10:15:30",
                                        "2024-11-12T10:15:30.1Zx",
                                        " 2024-11-12T10:15:30"};
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
    const bool complete =
        size == 10 || size == 16 || size == 19 || size == 21 || size == 22 || size == 25;
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

// Types of a dataflow, as generated code would announce them.
struct Click {
  Text user{};
  i64 count = 0;
};
struct Score {
  i64 points = 0;
};

}  // namespace

template <>
struct detail::TypeId<Click> {
  static constexpr u32 value = 0;
};
template <>
struct detail::TypeId<Score> {
  static constexpr u32 value = 3;
};

namespace {

constexpr bool operator==(abi::TypeRef a, std::pair<u32, u32> b) {
  return a.base == b.first && a.wraps == b.second;
}

TEST(Types, AreKnownToTheEngineByNumber) {
  EXPECT_TRUE(detail::TypeRefOf<bool>::value == std::pair(0U, 1U));
  EXPECT_TRUE(detail::TypeRefOf<Bytes>::value == std::pair(12U, 1U));
  EXPECT_TRUE(detail::TypeRefOf<Score>::value == std::pair(67U, 1U));
  EXPECT_TRUE(detail::TypeRefOf<List<List<Click>>>::value == std::pair(64U, 4U));
  EXPECT_FALSE(detail::DataflowType<std::string>);
  EXPECT_FALSE(detail::DataflowType<List<std::string_view>>);
  EXPECT_FALSE(detail::DataflowType<Optional<Click>>);
  EXPECT_TRUE(detail::TypeRefOf<Decimal<2>>::value == std::pair(34U, 1U));
  EXPECT_TRUE(detail::TypeRefOf<sdk_types::Timestamp>::value == std::pair(13U, 1U));
  EXPECT_TRUE((detail::TypeRefOf<List<Map<Json>>>::value == std::pair(14U, 6U)));
}

// Steps as generated code makes them.
constexpr auto is_positive = [](const Click& click) {
  if (click.count == 13) throw std::runtime_error("13");
  return click.count > 0;
};
constexpr auto score_of = [](const Click& click) { return Score{click.count * 10}; };
constexpr auto countdown = [](const Click& click) {
  List<Click> clicks;
  for (i64 count = click.count; count > 0; --count) clicks.push_back({click.user, count});
  return clicks;
};
constexpr auto even_or_nothing = [](const Click& click) -> Optional<Score> {
  if (click.count == 5) throw std::runtime_error("five");
  if (click.count % 2 != 0) return {};
  return Score{click.count};
};
constexpr auto time_of = [](const auto& value, i64 record_time) {
  return record_time + value.points;
};
constexpr auto time_alone = [](const Click& click) { return static_cast<u32>(click.count); };
constexpr auto key_of_score = [](const Score& score) {
  if (score.points == 4) throw 4;
  return static_cast<i32>(score.points);
};
constexpr auto user_of = [](const Click& click) { return click.user; };

void expect_count(const abi::StepCount& count, u64 in, u64 out, u64 failed) {
  EXPECT_EQ(count.in, in);
  EXPECT_EQ(count.out, out);
  EXPECT_EQ(count.failed, failed);
}

// Runs a chain over clicks whose records' times are 100, 101, …
template <class Chain>
struct ChainRun {
  explicit ChainRun(std::vector<Click> input) : clicks(std::move(input)), errors(clicks.size()) {
    std::vector<const void*> values;
    std::vector<i64> times;
    for (const Click& click : clicks) {
      values.push_back(&click);
      times.push_back(100 + static_cast<i64>(times.size()));
    }
    abi::Call call{};
    call.arena = &memory;
    call.counts = counts;
    const abi::Records records{values.data(), times.data(), static_cast<u32>(clicks.size())};
    errors.resize(Chain::run(&call, &records, &out, errors.data()));
  }
  template <class T>
  const T& value(std::size_t index) const {
    return *static_cast<const T*>(out[index].value);
  }

  TestArena memory;
  std::vector<Click> clicks;
  List<abi::Emitted> out;
  std::vector<abi::RecordError> errors;
  abi::StepCount counts[4] = {};
};

TEST(Chain, OfFiltersHandsOnTheValuesThemselves) {
  using Tested = detail::Chain<Click, detail::Filter<is_positive>>;
  static_assert(std::is_same_v<Tested::Output, Click>);
  const ChainRun<Tested> run({{"a", 1}, {"b", 0}, {"c", 13}, {"d", 2}});
  ASSERT_EQ(run.out.size(), 2u);
  EXPECT_EQ(run.out[0].value, &run.clicks[0]);
  EXPECT_EQ(run.out[1].value, &run.clicks[3]);
  EXPECT_EQ(run.out[1].origin, 3u);
  EXPECT_EQ(run.out[1].time, 103);
  EXPECT_TRUE(run.out[1].key.empty());
  ASSERT_EQ(run.errors.size(), 1u);
  EXPECT_EQ(run.errors[0].index, 2u);
  EXPECT_EQ(run.errors[0].step, 0u);
  EXPECT_EQ(run.errors[0].message, "13");
}

TEST(Chain, MakesValuesInTheArenaOfTheCall) {
  using Tested = detail::Chain<Click, detail::Filter<is_positive>, detail::Map<score_of>>;
  static_assert(std::is_same_v<Tested::Output, Score>);
  const ChainRun<Tested> run({{"a", 1}, {"b", -1}, {"c", 3}});
  ASSERT_EQ(run.out.size(), 2u);
  EXPECT_TRUE(run.memory.holds(run.out[0].value));
  EXPECT_EQ(run.template value<Score>(0).points, 10);
  EXPECT_EQ(run.template value<Score>(1).points, 30);
}

TEST(Chain, TellsTimeAndKeyOfEachValue) {
  using Tested =
      detail::Chain<Click, detail::FlatMap<countdown>, detail::FilterMap<even_or_nothing>,
                    detail::AssignTimestamp<time_of>, detail::AssignKey<i64, key_of_score>>;
  static_assert(std::is_same_v<Tested::Output, Score>);
  const ChainRun<Tested> run({{"a", 3}, {"b", 0}, {"c", 2}});
  ASSERT_EQ(run.out.size(), 2u);
  EXPECT_EQ(run.template value<Score>(0).points, 2);
  EXPECT_EQ(run.out[0].origin, 0u);
  EXPECT_EQ(run.out[0].time, 102);
  EXPECT_EQ(decode_signed_key(run.out[0].key), 2);
  EXPECT_EQ(run.out[1].origin, 2u);
  EXPECT_EQ(run.out[1].time, 104);
}

TEST(Chain, LeavesNothingOfARecordThatFails) {
  using Tested =
      detail::Chain<Click, detail::FlatMap<countdown>, detail::FilterMap<even_or_nothing>,
                    detail::AssignTimestamp<time_of>, detail::AssignKey<i64, key_of_score>>;
  // Of 6 comes 6, then 5 throws; of 4 the key throws at once; 9 to 6 pass, then 5 throws.
  const ChainRun<Tested> run({{"a", 2}, {"b", 6}, {"c", 4}, {"d", 9}, {"e", 2}});
  ASSERT_EQ(run.out.size(), 2u);
  EXPECT_EQ(run.out[0].origin, 0u);
  EXPECT_EQ(run.out[1].origin, 4u);
  ASSERT_EQ(run.errors.size(), 3u);
  EXPECT_EQ(run.errors[0].index, 1u);
  EXPECT_EQ(run.errors[0].step, 1u);
  EXPECT_EQ(run.errors[0].message, "five");
  EXPECT_EQ(run.errors[1].index, 2u);
  EXPECT_EQ(run.errors[1].step, 3u);
  EXPECT_EQ(run.errors[1].message, "unknown exception");
  EXPECT_EQ(run.errors[2].index, 3u);
  // Counted is what went on before something failed, too.
  expect_count(run.counts[0], 5, 12, 0);
  expect_count(run.counts[1], 12, 6, 2);
  expect_count(run.counts[2], 6, 6, 0);
  expect_count(run.counts[3], 6, 5, 1);
}

TEST(Chain, TakesFunctionsInAnyOrder) {
  using Tested = detail::Chain<Click, detail::AssignKey<Text, user_of>,
                               detail::AssignTimestamp<time_alone>, detail::Map<score_of>>;
  const ChainRun<Tested> run({{"ann", 7}});
  ASSERT_EQ(run.out.size(), 1u);
  EXPECT_EQ(run.out[0].key.data(), run.clicks[0].user.data());
  EXPECT_EQ(run.out[0].time, 7);
  EXPECT_EQ(run.template value<Score>(0).points, 70);
}

TEST(Chain, AppendsToWhatIsThere) {
  using Tested = detail::Chain<Click, detail::FlatMap<countdown>>;
  TestArena memory;
  const Click click{"a", 100};
  const void* const values[] = {&click};
  const i64 times[] = {5};
  const abi::Records records{values, times, 1};
  abi::Call call{};
  call.arena = &memory;
  List<abi::Emitted> out;
  abi::RecordError error{};
  EXPECT_EQ(Tested::run(&call, &records, &out, &error), 0u);
  EXPECT_EQ(Tested::run(&call, &records, &out, &error), 0u);
  ASSERT_EQ(out.size(), 200u);
  EXPECT_EQ(static_cast<const Click*>(out[199].value)->count, 1);
}

constexpr auto count_click = [](const Click& click) {
  auto& row = detail::current_row<Score>(0);
  row.points += click.count + window().start;
  if (click.count == 13) throw std::runtime_error("13 at " + std::to_string(window().end));
};

TEST(Update, KnowsTheWindowOfEachRecord) {
  TestArena memory;
  abi::Call call{};
  call.arena = &memory;
  const Click clicks[] = {{"a", 1}, {"b", 13}, {"c", 2}};
  const void* const values[] = {&clicks[0], &clicks[1], &clicks[2]};
  Score first, second;
  void* const rows[] = {&first, &first, &second};
  const abi::WindowSpan spans[] = {{1000, 2000}, {1000, 2000}, {500, 900}};
  abi::StepCount count{};
  call.counts = &count;
  abi::RowUse uses[3] = {};
  abi::RecordError errors[3] = {};
  using Tested = detail::Keyed<Click, false, detail::UpdateState<count_click>,
                               detail::TypeList<detail::State<Score>>, detail::TypeList<>>;
  const abi::KeyedRecords records{values, rows, spans, 3, nullptr, nullptr, nullptr, nullptr};
  List<abi::Emitted> out;
  EXPECT_EQ(Tested::run(&call, &records, uses, &out, errors), 1u);
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(first.points, 1001);
  EXPECT_EQ(second.points, 502);
  EXPECT_EQ(errors[0].index, 1u);
  EXPECT_EQ(errors[0].message, "13 at 2000");
  EXPECT_EQ(uses[0].changed, 1u);
  EXPECT_EQ(uses[1].asked, 0u);
  expect_count(count, 3, 0, 1);
}

constexpr auto window_size = []() -> Score { return {window().end - window().start}; };

TEST(Flush, MakesItsValueInTheArena) {
  TestArena memory;
  abi::Call call{.arena = &memory, .window_start_ms = 500, .window_end_ms = 900};
  abi::StepCount count{};
  call.counts = &count;
  abi::RecordError error{};
  const void* const value = detail::flush<Score, window_size>(&call, &error);
  ASSERT_NE(value, nullptr);
  EXPECT_TRUE(memory.holds(value));
  EXPECT_EQ(static_cast<const Score*>(value)->points, 400);
  call.window_end_ms = call.window_start_ms;
  EXPECT_EQ((detail::flush<Score, window_size>(&call, &error)), nullptr);
  EXPECT_EQ(error.message, "window() can be used in a window only, behind assign-key");
  expect_count(count, 2, 1, 1);
}

struct Timed {
  abi::RowTimes times{abi::kNever, 0};
  Score row;
};
constexpr auto gone = [](const Score& row) -> Optional<Score> {
  if (row.points == 13) throw std::runtime_error("thirteen");
  return row;
};
constexpr auto itself = [](const Score& row) -> const Score& { return row; };
constexpr auto count_or_erase = [](Optional<Text> key, const Click& click) {
  if (key && *key == "erase") {
    erase(detail::current_row<Score>(0));
  } else {
    detail::current_row<Score>(0).points += click.count;
  }
};
constexpr auto is_odd = [](const Click& click) { return click.count % 2 == 1; };

// A row that ran out does so before the record that finds it so; what leaves the transforms and
// what on-expire makes is in order of the records.
TEST(Update, RunsRowsOutAndErasesThem) {
  TestArena memory;
  abi::Call call{};
  call.arena = &memory;
  const Click clicks[] = {{"a", 1}, {"a", 3}, {"a", 5}, {"a", 2}, {"a", 7}, {"a", 9}};
  const void* values[6];
  Timed timed;
  void* rows[6];
  const abi::WindowSpan spans[6] = {};
  const Text row_keys[6] = {"a", "a", "a", "a", "a", "a"};
  const i64 times[] = {0, 5, 20, 21, 22, 23};
  const Optional<Text> keys[] = {{}, {}, {}, {}, Text("erase"), {}};
  for (int i = 0; i < 6; ++i) values[i] = &clicks[i], rows[i] = &timed.row;
  abi::StepCount counts[3] = {};  // of the filter, update-state and on-expire
  call.counts = counts;
  abi::RowUse uses[6] = {};
  abi::RecordError errors[6] = {};
  List<abi::Emitted> out;
  using Tested =
      detail::Keyed<Click, true, detail::UpdateState<count_or_erase>,
                    detail::TypeList<detail::State<Score, 10, detail::Expire<gone, itself>>>,
                    detail::TypeList<detail::Filter<is_odd>>>;
  static_assert(Tested::kAsks == abi::kRecordKeys);
  const abi::KeyedRecords records{values, rows, spans, 6, keys, row_keys, times, times};
  EXPECT_EQ(Tested::run(&call, &records, uses, &out, errors), 0u);
  ASSERT_EQ(out.size(), 6u);
  EXPECT_EQ(static_cast<const Score*>(out[2].value)->points, 4);
  EXPECT_EQ(out[2].origin, 2u);
  EXPECT_EQ(out[2].time, 15);
  EXPECT_EQ(out[3].value, &clicks[2]);
  EXPECT_EQ(uses[2].asked, 1u);
  EXPECT_EQ(uses[2].erased, 0u);
  EXPECT_EQ(uses[3].asked, 0u);
  EXPECT_EQ(uses[4].erased, 1u);
  EXPECT_EQ(uses[5].asked, 1u);
  EXPECT_EQ(timed.row.points, 9);
  EXPECT_EQ(timed.times.seen_at, 23);
  expect_count(counts[0], 6, 5, 0);
  expect_count(counts[1], 5, 0, 0);
  expect_count(counts[2], 1, 1, 0);

  // What on-expire throws costs the record that found the row; the row stays as it was.
  timed = {{0, 0}, {13}};
  const abi::KeyedRecords late{values, rows, spans, 1, keys, row_keys, &times[2], &times[2]};
  out = {};
  EXPECT_EQ(Tested::run(&call, &late, uses, &out, errors), 1u);
  EXPECT_EQ(errors[0].step, 2u);
  EXPECT_EQ(timed.row.points, 13);
  EXPECT_TRUE(out.empty());
  expect_count(counts[0], 6, 5, 0);
  expect_count(counts[2], 2, 1, 1);
}

constexpr auto with_key = [](Optional<Text> key, const Click& click) {
  return KeyValue<Click>{key ? Optional<Text>(*key + "!") : Optional<Text>(click.user), click};
};
constexpr auto keyed_time = [](Optional<Text> key, const Click&, i64 time) {
  return time + static_cast<i64>(key->size());
};

TEST(Chain, PassesKeysOfRecords) {
  TestArena memory;
  abi::Call call{};
  call.arena = &memory;
  using Tested = detail::Chain<Click, detail::Map<with_key>, detail::AssignTimestamp<keyed_time>>;
  static_assert(std::same_as<Tested::Output, Click>);
  static_assert(Tested::kAsks == abi::kRecordKeys);
  static_assert(detail::Chain<Click, detail::Filter<is_odd>>::kAsks == abi::kNothing);
  const Click clicks[] = {{"ann", 1}, {"bob", 2}};
  const void* const values[] = {&clicks[0], &clicks[1]};
  const i64 times[] = {10, 20};
  const Optional<Text> keys[] = {Text("key"), {}};
  const abi::Records records{values, times, 2, keys, nullptr};
  List<abi::Emitted> out;
  abi::RecordError errors[2] = {};
  EXPECT_EQ(Tested::run(&call, &records, &out, errors), 0u);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(**out[0].record_key, "key!");
  EXPECT_EQ(out[0].time, 14);
  EXPECT_EQ(**out[1].record_key, "bob");
  EXPECT_EQ(out[1].time, 23);
}

TEST(Timestamp, IsATime) {
  TestArena memory;
  const sdk_types::Timestamp time{1731406530250};
  const i64 ms = time;
  EXPECT_EQ(ms, 1731406530250);
  EXPECT_TRUE(time == 1731406530250 && time > sdk_types::Timestamp{0} && time + 1 > ms);
  struct Row {
    i64 ms;
    std::string_view text;
  };
  constexpr Row kRows[] = {
      {0, "1970-01-01T00:00:00Z"},
      {-1, "1969-12-31T23:59:59.999Z"},
      {1731406530250, "2024-11-12T10:15:30.250Z"},
      {1709164800000, "2024-02-29T00:00:00Z"},
      {-62135596800000, "0001-01-01T00:00:00Z"},
      {253402300799999, "9999-12-31T23:59:59.999Z"},
  };
  for (const Row& row : kRows) {
    EXPECT_EQ(to_text(sdk_types::Timestamp{row.ms}), row.text);
    EXPECT_EQ(parse_time(row.text), row.ms);
  }
  EXPECT_THROW(to_text(sdk_types::Timestamp{253402300800000}), std::out_of_range);
  // Every day of four hundred years, there and back.
  for (i64 day = -100'000; day < 46'097; ++day) {
    int year = 0, month = 0, of_month = 0;
    detail::civil_from_days(day, year, month, of_month);
    ASSERT_EQ(detail::days_from_civil(year, month, of_month), day);
  }
}

// Eight bytes are read at once: each of them may be wrong, in each way.
TEST(Time, EveryByteOfAUsualOneMatters) {
  const std::string usual = "2024-11-12T10:15:30Z";
  i64 time_ms = 0;
  for (std::size_t at = 0; at < 19; ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text = usual;
      text[at] = static_cast<char>(byte);
      const std::string digits = "0123456789";
      const auto number = [&](std::size_t begin) {
        const std::size_t tens = digits.find(text[begin]), ones = digits.find(text[begin + 1]);
        return tens > 9 || ones > 9 ? std::size_t{99} : tens * 10 + ones;
      };
      const bool is_time = number(0) != 99 && number(2) != 99 && text[4] == '-' && number(5) >= 1 &&
                           number(5) <= 12 && text[7] == '-' && number(8) >= 1 && number(8) <= 30 &&
                           (text[10] == 'T' || text[10] == 't' || text[10] == ' ') &&
                           number(11) <= 23 && text[13] == ':' && number(14) <= 59 &&
                           text[16] == ':' && number(17) <= 60;
      EXPECT_EQ(detail::parse_iso_time(text, &time_ms), is_time) << at << ": " << byte;
    }
  }
}

TEST(Decimal, IsExact) {
  TestArena memory;
  Decimal<2> sum;
  for (int i = 0; i < 10; ++i) sum += Decimal<2>("0.10");
  EXPECT_EQ(sum, 1);
  EXPECT_EQ(to_text(sum), "1.00");
  EXPECT_EQ(to_text(-Decimal<2>("0.05") * 3), "-0.15");
  EXPECT_EQ(to_text(Decimal<2>("1.25") * Decimal<1>("0.5")), "0.625");
  EXPECT_EQ(to_text(Decimal<2>(Decimal<3>("1.250"))), "1.25");
  EXPECT_EQ(to_text(Decimal<3>("-1.245").rounded<2>()), "-1.25");
  EXPECT_EQ(to_text(Decimal<3>("1.244").rounded<2>()), "1.24");
  EXPECT_EQ(to_text(Decimal<1>("0.4").rounded<0>()), "0");
  EXPECT_EQ(Decimal<2>::from_units(980).units(), 980);
  EXPECT_EQ(static_cast<f64>(Decimal<2>("9.80")), 9.8);
  EXPECT_TRUE(Decimal<2>("9.80") < 10 && Decimal<2>("9.80") > Decimal<3>("9.799"));
  EXPECT_TRUE(Decimal<2>("9.80") == Decimal<1>("9.8"));
  Decimal<2> product = Decimal<2>("1.5") * Decimal<2>("1.2");
  product *= 2;
  EXPECT_EQ(product, Decimal<2>("3.60"));
}

TEST(Decimal, ThrowsWhereItCannotBe) {
  TestArena memory;
  const auto largest = Decimal<2>::from_units(std::numeric_limits<i64>::max());
  EXPECT_THROW(largest + Decimal<2>("0.01"), std::overflow_error);
  EXPECT_THROW(-Decimal<2>::from_units(std::numeric_limits<i64>::min()), std::overflow_error);
  EXPECT_THROW(largest * 2, std::overflow_error);
  EXPECT_THROW(largest * largest, std::overflow_error);
  EXPECT_THROW(Decimal<2>(std::numeric_limits<u64>::max()), std::overflow_error);
  EXPECT_THROW((Decimal<18>(largest)), std::overflow_error);
  EXPECT_THROW(Decimal<2>(Decimal<3>("1.001")), std::range_error);
  for (const std::string_view text : {"", "1.001", "1,0", " 1", "+1", "1.", ".5", "0x1", "1e30"})
    EXPECT_THROW(Decimal<2>{text}, std::range_error) << text;
}

TEST(Map, KeepsItsOrder) {
  TestArena memory;
  Map<i64> map{{"b", 1}, {"a", 2}, {"b", 3}};
  map.set("c", 4);
  std::string text;
  for (const auto& [key, value] : map) text += key.str() + std::to_string(value);
  EXPECT_EQ(text, "b3a2c4");
  EXPECT_EQ(*map.find("a"), 2);
  EXPECT_EQ(map.find("x"), nullptr);
  EXPECT_EQ(map["c"], 4);
  EXPECT_THROW(map["x"], std::out_of_range);
  EXPECT_EQ(map.size(), 3u);
}

TEST(Json, IsItsText) {
  TestArena memory;
  EXPECT_EQ(Json().text(), "null");
  EXPECT_EQ(Json("{}").text(), "{}");
  EXPECT_TRUE(Json("1") == Json(Text("1")) && !(Json("1") == Json()));
}

TEST(StateRows, AreForUpdateStateOnly) {
  EXPECT_THROW(detail::current_row<u32>(0), std::logic_error);
}

}  // namespace
}  // namespace gameflow
