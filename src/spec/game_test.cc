// The settings of the simulated game: what they become, and what is said of mistakes.
#include "spec/game.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

namespace gameflow::spec {
namespace {

std::string mistakes(std::string_view text) {
  return render(parse_game(text).diagnostics, "game.yaml", text);
}

TEST(Game, DefaultsAreTheShippedFile) {
  const GameResult none = parse_game(""), shipped = parse_game(default_game());
  EXPECT_EQ(render(shipped.diagnostics, "game.yaml", default_game()), "");
  ASSERT_TRUE(none.game && shipped.game);
  const Game &a = *none.game, &b = *shipped.game;
  EXPECT_EQ(a.players, b.players);
  EXPECT_EQ(a.seed, b.seed);
  EXPECT_EQ(a.sessions_a_day, b.sessions_a_day);
  EXPECT_EQ(a.session, b.session);
  EXPECT_EQ(a.metrics_every, b.metrics_every);
  EXPECT_EQ(a.maps, b.maps);
  EXPECT_EQ(a.regions.size(), 7U);
  EXPECT_EQ(a.levels.size(), 12U);
  EXPECT_EQ(a.items.size(), 8U);
  EXPECT_EQ(a.faults.duplicates, b.faults.duplicates);
  EXPECT_EQ(a.faults.late, b.faults.late);
  EXPECT_EQ(a.faults.late_max, b.faults.late_max);
  EXPECT_EQ(a.faults.corrupt, b.faults.corrupt);
  EXPECT_EQ(a.faults.lost, b.faults.lost);
  EXPECT_EQ(a.faults.wrong_clocks, b.faults.wrong_clocks);
  EXPECT_EQ(a.faults.bots, b.faults.bots);
  // Anomalies happen where they are named.
  EXPECT_FALSE(a.anomalies.hard_level || a.anomalies.region_outage);
  EXPECT_TRUE(b.anomalies.hard_level && b.anomalies.crashing_level && b.anomalies.card_testers &&
              b.anomalies.burst_account && b.anomalies.burst_address && b.anomalies.refund_abuser &&
              b.anomalies.speed_hackers && b.anomalies.price_tamperers &&
              b.anomalies.currency_hoppers && b.anomalies.device_farm &&
              b.anomalies.account_takeover && b.anomalies.degrading_server &&
              b.anomalies.region_outage);
}

TEST(Game, ReadsWhatItSays) {
  const auto result = parse_game(R"(
seed: 18446744073709551615
players: 50
regions:
  north: { currency: KWD, utc-offset: "-03:30", servers: [a, b] }
  south: { currency: JPY, servers: [c] }
items:
  axe: { type: weapon, prices: { KWD: 1.5, JPY: 700 } }
faults: { corrupt: 0 }
anomalies:
  hard-level: { level: level_02, map: map_05, at: 1h, for: 2h, every: 1d }
  degrading-server: { server: c }
  speed-hackers: { players: 3, at: 5m }
  price-tamperers: { purchases: 2, pays: 0.125 }
  currency-hoppers: { players: 4 }
  device-farm: { players: 20, purchases: 1 }
  account-takeover: { for: 3h }
)");
  ASSERT_TRUE(result.game);
  const Game& game = *result.game;
  EXPECT_EQ(game.seed, UINT64_MAX);
  EXPECT_EQ(game.regions[0].utc_offset, Duration{-210 * 60'000});
  EXPECT_EQ(game.regions[0].capacity, 40U);
  EXPECT_EQ(game.items[0].prices[0].minor_units, 1500);
  EXPECT_EQ(game.items[0].prices[1].minor_units, 700);
  EXPECT_EQ(game.faults.corrupt, 0);
  EXPECT_GT(game.faults.duplicates, 0);
  EXPECT_EQ(game.levels.size(), 12U);
  EXPECT_EQ(game.anomalies.hard_level->level, 1U);
  EXPECT_EQ(game.anomalies.hard_level->map, 4U);
  EXPECT_EQ(game.anomalies.hard_level->times.every, Duration{86'400'000});
  EXPECT_EQ(game.anomalies.degrading_server->region, 1U);
  EXPECT_EQ(game.anomalies.degrading_server->server, 0U);
  EXPECT_EQ(game.anomalies.degrading_server->latency_ms, 250U);
  EXPECT_EQ(game.anomalies.speed_hackers->players, 3U);
  EXPECT_EQ(game.anomalies.speed_hackers->times.at, Duration{300'000});
  EXPECT_EQ(game.anomalies.speed_hackers->times.lasts, Duration{600'000});
  EXPECT_EQ(game.anomalies.price_tamperers->players, 3U);
  EXPECT_EQ(game.anomalies.price_tamperers->purchases, 2U);
  EXPECT_EQ(game.anomalies.price_tamperers->pays, 0.125);
  EXPECT_EQ(game.anomalies.currency_hoppers->players, 4U);
  EXPECT_EQ(game.anomalies.currency_hoppers->purchases, 6U);
  EXPECT_EQ(game.anomalies.device_farm->players, 20U);
  EXPECT_EQ(game.anomalies.device_farm->purchases, 1U);
  EXPECT_EQ(game.anomalies.account_takeover->purchases, 30U);
  EXPECT_EQ(game.anomalies.account_takeover->times.lasts, Duration{3 * 3'600'000});
}

TEST(Game, TellsAllMistakesAtOnce) {
  EXPECT_EQ(mistakes(R"(playres: 50
regions:
  north: { currency: Euro, utc-offset: 8, servers: [a, a] }
items:
  axe: { type: weapon, prices: { JPY: 7.5, USD: 0 } }
faults: { late: 1.5 }
anomalies:
  hard-level: { level: level_7, map: map_06, every: 1h }
  degrading-servr: { server: b }
)"),
            R"(game.yaml:1:1: error: unknown key 'playres' in the settings of the game
    1 | playres: 50
      | ^~~~~~~
      = did you mean 'players'?
game.yaml:3:22: error: a currency is three capital letters
    3 |   north: { currency: Euro, utc-offset: 8, servers: [a, a] }
      |                      ^~~~
      = for example EUR
game.yaml:3:40: error: 'utc-offset' has to be hours and minutes
    3 |   north: { currency: Euro, utc-offset: 8, servers: [a, a] }
      |                                        ^
      = for example -08:00 or +05:30
game.yaml:3:56: error: two servers are called 'a'
    3 |   north: { currency: Euro, utc-offset: 8, servers: [a, a] }
      |                                                        ^
      = rename one
game.yaml:5:39: error: a price in JPY is a whole number above 0
    5 |   axe: { type: weapon, prices: { JPY: 7.5, USD: 0 } }
      |                                       ^~~
game.yaml:5:49: error: a price in USD is a number above 0 with at most 2 digits after the point
    5 |   axe: { type: weapon, prices: { JPY: 7.5, USD: 0 } }
      |                                                 ^
game.yaml:6:17: error: 'late' has to be a number from 0 to 1
    6 | faults: { late: 1.5 }
      |                 ^~~
game.yaml:8:24: error: there is no level 'level_7'
    8 |   hard-level: { level: level_7, map: map_06, every: 1h }
      |                        ^~~~~~~
      = did you mean 'level_07'?
game.yaml:8:38: error: there is no map 'map_06'
    8 |   hard-level: { level: level_7, map: map_06, every: 1h }
      |                                      ^~~~~~
      = did you mean 'map_01'?
game.yaml:8:53: error: what begins again has to end
    8 |   hard-level: { level: level_7, map: map_06, every: 1h }
      |                                                     ^~
      = say how long it lasts: 'for: 30m'
game.yaml:9:3: error: unknown key 'degrading-servr' in 'anomalies'
    9 |   degrading-servr: { server: b }
      |   ^~~~~~~~~~~~~~~
      = did you mean 'degrading-server'?
)");
}

TEST(Game, EverythingHasAPriceEverywhere) {
  EXPECT_EQ(mistakes("regions:\n  moon: { currency: GBP, servers: [a] }\n"),
            "game.yaml:2:3: error: item 'potion_health' has no price in GBP, which region 'moon' "
            "pays with\n    2 |   moon: { currency: GBP, servers: [a] }\n      |   ^~~~\n"
            "      = add it to its 'prices'\n");
}

TEST(Game, WhoHopsNeedsCurrencies) {
  EXPECT_EQ(mistakes("regions:\n  moon: { currency: USD, servers: [a] }\n"
                     "anomalies: { currency-hoppers: {} }\n"),
            "game.yaml:3:32: error: all regions pay with the same currency\n"
            "    3 | anomalies: { currency-hoppers: {} }\n"
            "      |                                ^\n"
            "      = give one of them another 'currency'\n");
}

TEST(Game, NoTextThrowsOrCrashes) {
  const std::string text(default_game());
  for (std::size_t i = 0; i < text.size(); i += 7) {
    std::string changed = text;
    changed[i] = "{}[]:\n-#\"&"[i % 10];
    parse_game(changed);
    parse_game(text.substr(0, i));
  }
}

}  // namespace
}  // namespace gameflow::spec
