#include "live/feed.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace gameflow::live {
namespace {

using query::Answer;
using Rows = std::vector<std::vector<query::Value>>;
constexpr Timestamp kAt{5};

Answer answer(Rows rows) {
  return {.columns = {"name", "n"},
          .rows = std::move(rows),
          .truncated = false,
          .uses = {.tables = {"players"}}};
}

std::vector<query::Value> row(std::string name, std::int64_t n) {
  return {std::move(name), n};
}

// Without its versions, which have a random name: "#2 after #1".
std::string shown(const Feed::Message& message) {
  if (message == nullptr) return "nothing";
  std::string text = *message;
  for (std::size_t dash; (dash = text.find('-')) != std::string::npos;)
    text.replace(dash - 16, 17, "#");
  return text;
}

class FeedTest : public ::testing::Test {
 protected:
  std::string next() { return shown(feed.next(place)); }
  Feed feed{{.sql = "select", .parameters = {}, .key = {"name"}, .rows_max = 10}};
  std::uint64_t place = 0;
};

TEST_F(FeedTest, GivesAllRowsThenWhatChanges) {
  EXPECT_EQ(next(), "nothing");
  Rows rows{row("a", 5), row("b", 4), row("c", 3)};
  for (const auto* name : {"v", "w", "x", "y", "z"}) rows.push_back(row(name, 0));
  EXPECT_TRUE(feed.set(answer(rows), kAt));
  EXPECT_EQ(
      next(),
      R"("version":"#1","at":5,"columns":["name","n"],"rows":[["a",5],["b",4],)"
      R"(["c",3],["v",0],["w",0],["x",0],["y",0],["z",0]],"truncated":false,"reads":["players"])");
  EXPECT_EQ(next(), "nothing");
  // The same rows are no version.
  EXPECT_FALSE(feed.set(answer(rows), kAt));
  EXPECT_EQ(next(), "nothing");
  // One changes its value and its place, one goes, one comes.
  rows[0] = row("b", 6);
  rows[1] = row("a", 5);
  rows[2] = row("d", 1);
  EXPECT_TRUE(feed.set(answer(rows), kAt));
  EXPECT_EQ(next(), R"("version":"#2","after":"#1","at":5,"removed":[["c"]],)"
                    R"("changed":[[0,["b",6]],[2,["d",1]]])");
  EXPECT_TRUE(feed.set(answer({}), kAt));
  EXPECT_EQ(
      next(),
      R"("version":"#3","at":5,"columns":["name","n"],"rows":[],"truncated":false,"reads":["players"])");
}

TEST_F(FeedTest, OneThatIsBehindGetsEachChangeInTurn) {
  Rows rows;
  for (int i = 0; i < 20; ++i) rows.push_back(row("r" + std::to_string(i), 0));
  feed.set(answer(rows), kAt);
  next();
  for (int i = 1; i <= 3; ++i) {
    rows[3][1] = std::int64_t{i};
    feed.set(answer(rows), kAt);
  }
  for (int i = 1; i <= 3; ++i)
    EXPECT_EQ(next(), fmt::format(R"("version":"#{}","after":"#{}","at":5,"removed":[],)"
                                  R"("changed":[[3,["r3",{}]]])",
                                  i + 1, i, i));
  EXPECT_EQ(next(), "nothing");
  // Too far: all rows of now.
  for (int i = 0; i < 100; ++i) {
    rows[4][1] = std::int64_t{i + 1};
    feed.set(answer(rows), kAt);
  }
  EXPECT_NE(next().find(R"("columns")"), std::string::npos);
  EXPECT_EQ(next(), "nothing");
}

TEST_F(FeedTest, AFollowerThatComesBackGoesOn) {
  Rows rows{row("a", 1), row("b", 2), row("c", 3)};
  feed.set(answer(rows), kAt);
  const std::string first = *feed.next(place);
  const std::string version = first.substr(first.find(':') + 2, 18);
  rows[1][1] = std::int64_t{7};
  feed.set(answer(rows), kAt);
  place = feed.place_of(version);
  EXPECT_NE(next().find(R"("changed":[[1,["b",7]]])"), std::string::npos);
  // What is not known here begins anew: of another feed, of the future, no version at all.
  for (const std::string& other : {"0" + version.substr(1), version.substr(0, 17) + "9",
                                   version + "x", version.substr(0, 5), std::string()}) {
    if (other == version) continue;
    place = feed.place_of(other);
    EXPECT_EQ(place, 0U) << other;
  }
}

TEST_F(FeedTest, SendsAllRowsWhereThatIsShorterOrTheirOrderIsAnother) {
  feed.set(answer({row("a", 1), row("b", 2), row("c", 3)}), kAt);
  next();
  feed.set(answer({row("a", 2), row("b", 3), row("c", 4)}), kAt);  // all of them changed
  EXPECT_NE(next().find(R"("rows":[["a",2])"), std::string::npos);
  feed.set(answer({row("c", 4), row("a", 2), row("b", 3)}), kAt);  // none did, but for their places
  EXPECT_NE(next().find(R"("rows":[["c",4])"), std::string::npos);
}

TEST_F(FeedTest, MistakesAreToldAndPass) {
  feed.set(answer({row("a", 1), row("a", 2)}), kAt);
  EXPECT_EQ(next(),
            R"("version":"#1","at":5,"error":{"code":"invalid_argument","message":)"
            R"("two rows have the key name = [\"a\"]: choose columns that tell rows apart"})");
  EXPECT_FALSE(feed.set(answer({row("a", 1), row("a", 2)}), kAt));  // the same one
  feed.set(Error{ErrorCode::kSqlLimit, "too long"}, kAt);
  EXPECT_NE(next().find("too long"), std::string::npos);
  feed.set(answer({row("a", 1)}), kAt);
  EXPECT_NE(next().find(R"("rows":[["a",1]])"), std::string::npos);
  Feed wrong{{.sql = "", .parameters = {}, .key = {"nane"}, .rows_max = 10}};
  wrong.set(answer({row("a", 1)}), kAt);
  place = 0;
  EXPECT_NE(
      shown(wrong.next(place)).find("the key names column 'nane', but the query has: name, n"),
      std::string::npos);
}

TEST(Question, TextsOfOtherQuestionsDiffer) {
  const Question one{
      .sql = "s", .parameters = {{"a", std::int64_t{1}}}, .key = {"k"}, .rows_max = 1};
  std::vector<Question> all(6, one);
  all[1].sql = "t";
  all[2].parameters[0].value = std::string("1");
  all[3].key = {};
  all[4].rows_max = 2;
  all[5].parameters.clear();
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t j = 0; j < all.size(); ++j)
      EXPECT_EQ(all[i].text() == all[j].text(), i == j) << i << " " << j;
}

}  // namespace
}  // namespace gameflow::live
