#include "record/player.h"

#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include <gameflow/types.h>

namespace gameflow::record {
namespace {

const Player kPlayer("p-7", {"user_id", "players"}, {"subject"});

struct Row {
  const char* name;
  const char* json;
  Player::Part part;
  const char* rest;  // of kSome
};
void PrintTo(const Row& row, std::ostream* out) {
  *out << row.name;
}

constexpr auto kNone = Player::Part::kNone, kSome = Player::Part::kSome, kAll = Player::Part::kAll;

const Row kRows[] = {
    {"TheirRecord", R"({"n":1,"user_id":"p-7"})", kAll, ""},
    {"InsideOfAnObject", R"({"n":1,"user_data":{"user_id":"p-7","x":[1]}})", kAll, ""},
    {"Another", R"({"user_id":"p-71"})", kNone, ""},
    {"AnotherField", R"({"level":"p-7"})", kNone, ""},
    {"AFieldThatBeginsAlike", R"({"user_ids":"p-7"})", kNone, ""},
    {"WithEscapes", R"({"user_id":"\u0070-7"})", kAll, ""},
    {"NameWithEscapes", R"({"\u0075ser_id":"p-7"})", kAll, ""},
    {"WithSpace", " { \"user_id\" :\n \"p-7\" } ", kAll, ""},
    {"ItemOfARecordThatIsAList", R"([{"user_id":"p-1"},{"user_id":"p-7"},{"user_id":"p-2"}])",
     kSome, R"([{"user_id":"p-1"},{"user_id":"p-2"}])"},
    {"TheOnlyItem", R"([ {"user_id":"p-7"} ])", kSome, "[]"},
    {"ItemsBesideTotals", R"({"total":12,"top":[{"user_id":"p-7","n":7},{"user_id":"x","n":5}]})",
     kSome, R"({"total":12,"top":[{"user_id":"x","n":5}]})"},
    {"ListOfPlayers", R"({"room":1,"players":["p-7","p-8","p-7"],"n":1.50})", kSome,
     R"({"room":1,"players":["p-8"],"n":1.50})"},
    {"ObjectByPlayer", R"({"players":{"p-8":1,"p-7":{"n":[2]},"p-9":3}})", kSome,
     R"({"players":{"p-8":1,"p-9":3}})"},
    {"ObjectThatHasTheIdAsName", R"({"scores":{"p-7":1}})", kNone, ""},
    {"ListInAList", R"([[{"user_id":"p-7"}],[]])", kSome, "[[],[]]"},
    {"BracketsInText", R"({"a":"]}p-7\"","user_id":"p-8"})", kNone, ""},
    {"AmongOtherWords", R"({"subject":"account p-7","n":1})", kAll, ""},
    {"AmongOtherWordsOfAnId", R"({"user_id":"account p-7","subject":"p-71"})", kNone, ""},
    {"NoJson", "p-7 has left", kAll, ""},
    {"NoJsonOfAnother", "p-71 has left \\", kNone, ""},
    {"CutJson", R"({"user_id":"p-7")", kAll, ""},
};

class PlayerPart : public testing::TestWithParam<Row> {};

TEST_P(PlayerPart, IsTaken) {
  const Row& row = GetParam();
  std::string rest;
  EXPECT_EQ(kPlayer.part_of(row.json, rest), row.part);
  if (row.part == kSome) {
    EXPECT_EQ(rest, row.rest);
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, PlayerPart, testing::ValuesIn(kRows),
                         [](const auto& of_row) { return std::string(of_row.param.name); });

TEST(Player, NumbersAreGoneByAsTheyAreWritten) {
  const Player seven("7", {"user_id"});
  std::string rest;
  EXPECT_EQ(seven.part_of(R"({"user_id":7})", rest), kAll);
  EXPECT_EQ(seven.part_of(R"({"user_id":77,"n":7})", rest), kNone);
}

TEST(Player, IsAWordOfAKey) {
  for (const char* key : {"p-7", "p-7/2", "a p-7", "item|p-7|1.2.3.4"})
    EXPECT_TRUE(kPlayer.is_word_of(key)) << key;
  for (const char* key : {"p-71", "xp-7", "p-7-2", "p", ""})
    EXPECT_FALSE(kPlayer.is_word_of(key)) << key;
}

TEST(Player, IsEmptiedInRows) {
  TypeTable types;
  const Type* const text = types.scalar(Kind::kString);
  const Type* const row = types.object("row", {{.name = "n", .type = types.scalar(Kind::kU32)},
                                               {.name = "user_id", .type = text},
                                               {.name = "players", .type = types.list_of(text)}});
  EXPECT_TRUE(kPlayer.has_field(*row));
  struct Made {
    u32 n = 5;
    Text user_id = "p-7";
    List<Text> players;
  } made;
  ASSERT_EQ(sizeof made, row->size);
  for (const char* player : {"p-8", "p-7", "p-9"}) made.players.push_back(player);
  EXPECT_TRUE(kPlayer.empty_fields(*row, &made));
  EXPECT_EQ(made.n, 5U);
  EXPECT_EQ(made.user_id, "");
  ASSERT_EQ(made.players.size(), 3U);
  EXPECT_EQ(made.players[1], "");
  EXPECT_EQ(made.players[2], "p-9");
  EXPECT_FALSE(kPlayer.empty_fields(*row, &made));
}

}  // namespace
}  // namespace gameflow::record
