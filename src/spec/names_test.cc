#include "spec/names.h"

#include <gtest/gtest.h>

namespace gameflow::spec {
namespace {

struct NameRow {
  std::string_view yaml, pascal, snake;
};

TEST(Names, InCpp) {
  constexpr NameRow kRows[] = {
      {"player-event", "PlayerEvent", "player_event"},
      {"player_event", "PlayerEvent", "player_event"},
      {"playerId", "PlayerId", "player_id"},
      {"userID", "UserID", "user_id"},
      {"HTTPServer2Name", "HTTPServer2Name", "http_server2_name"},
      {"_seen", "Seen", "_seen"},
      {"x", "X", "x"},
      {"level-2-boss", "Level2Boss", "level_2_boss"},
  };
  for (const NameRow& row : kRows) {
    EXPECT_EQ(to_pascal_case(row.yaml), row.pascal);
    EXPECT_EQ(to_snake_case(row.yaml), row.snake);
  }
}

TEST(Names, OfServicesAndStates) {
  for (const char* good : {"a", "a1", "player-sessions", "top_10", "a-b_c"}) {
    EXPECT_TRUE(is_lower_name(good)) << good;
  }
  for (const char* bad :
       {"", "1a", "-a", "a-", "a_", "a--b", "a__b", "a-_b", "A", "a b", "\u00e9"}) {
    EXPECT_FALSE(is_lower_name(bad)) << bad;
  }
}

TEST(Names, ThatAreTaken) {
  EXPECT_EQ(reserved_as("class"), "a C++ keyword");
  EXPECT_EQ(reserved_as("Text"), "a name of the SDK");
  EXPECT_EQ(reserved_as("flush_block"), "a name of the SDK");
  EXPECT_EQ(reserved_as("NULL"), "a C++ macro");
  EXPECT_EQ(reserved_as("__x"), "a name reserved for the C++ compiler");
  EXPECT_EQ(reserved_as("text"), std::nullopt);
}

}  // namespace
}  // namespace gameflow::spec
