// Where players are named: what is read, and every mistake with what the user reads then.
#include <gtest/gtest.h>

#include "spec/model.h"
#include "spec/test_util.h"

namespace gameflow::spec {
namespace {

constexpr std::string_view kGood = R"(apiVersion: 0.6.0
meta: { name: demo, version: 0.1.0 }
types:
  hit: { type: object, properties: { player_id: { type: string }, text: { type: string } } }
topics:
  hits: { schema: { value: { type: hit } } }
  more-hits: { schema: { value: { type: hit } } }
players:
  fields: [player_id]
  mentions: [text]
  keys: [hits, copy]
services:
  copy:
    sources: [{ type: topic, id: hits }]
    sinks: [{ type: topic, id: more-hits }]
)";

TEST(Players, AreRead) {
  const ParseResult result = parse(kGood, "f");
  ASSERT_TRUE(result.dataflow) << render(result.diagnostics, "f", kGood);
  EXPECT_EQ(render(result.diagnostics, "f", kGood), "");
  const Players& players = result.dataflow->players.value();
  EXPECT_EQ(players.fields, std::vector<std::string>{"player_id"});
  EXPECT_EQ(players.mentions, std::vector<std::string>{"text"});
  EXPECT_EQ(players.keys, (std::vector<std::string>{"hits", "copy"}));
}

class WrongPlayers : public testing::TestWithParam<Edit> {};

TEST_P(WrongPlayers, AreReported) {
  expect_told(kGood, GetParam());
}

const Edit kCases[] = {
    {"NoFields", "  fields: [player_id]\n", "",
     R"(f:9:3: error: 'players' needs 'fields'
    9 |   mentions: [text]
      |   ^
      = for example 'fields: [user_id, player_id]'
)"},
    {"UnknownField", "fields: [player_id]", "fields: [playr_id]",
     R"(f:9:12: warning: no type or state has a field 'playr_id'
    9 |   fields: [playr_id]
      |            ^~~~~~~~
      = did you mean 'player_id'?
)"},
    {"UnknownKey", "keys: [hits, copy]", "keys: [hits, cop]",
     R"(f:11:16: error: there is no service or topic 'cop'
   11 |   keys: [hits, cop]
      |                ^~~
      = did you mean 'copy'?
)"},
    {"NoList", "keys: [hits, copy]", "keys: hits",
     R"(f:11:9: error: 'keys' has to be a list of names
   11 |   keys: hits
      |         ^~~~
      = for example 'keys: [sessions, player-events]'
)"},
};

INSTANTIATE_TEST_SUITE_P(Cases, WrongPlayers, testing::ValuesIn(kCases), name_of);

}  // namespace
}  // namespace gameflow::spec
