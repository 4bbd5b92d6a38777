#include "generate/game/game_feed.h"

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "generate/game/writer.h"

namespace gameflow::generate {
namespace {

constexpr Timestamp kStart{1'731'406'530'007};  // 2024-11-12, a Tuesday
constexpr std::int64_t kMinute = 60'000, kHour = 60 * kMinute;
const std::vector<EventKind> kAll{EventKind::kPlayer, EventKind::kPurchase, EventKind::kServer,
                                  EventKind::kPosition};

GameOptions options(std::int64_t lasts_ms, std::string_view yaml = spec::default_game()) {
  return {.game = *spec::parse_game(yaml).game,
          .from = kStart,
          .lasts = Duration{lasts_ms},
          .kinds = kAll};
}

// The lines of each event, in their order.
std::vector<std::string> read(Feed& feed, Timestamp until = kEndOfTime) {
  std::vector<std::string> lines;
  for (auto events = feed.next(until); !events.empty(); events = feed.next(until)) {
    for (const FeedEvent& event : events) lines.emplace_back(event.json);
  }
  return lines;
}

ForEach with_threads(std::size_t threads) {
  return [threads](std::size_t count, const std::function<void(std::size_t)>& body) {
    std::atomic<std::size_t> next = 0;
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i < threads; ++i) {
      workers.emplace_back([&] {
        for (std::size_t at = next++; at < count; at = next++) body(at);
      });
    }
  };
}

std::string field(const std::string& line, const std::string& name) {
  const std::string start = "\"" + name + "\":";
  std::size_t at = line.find(start);
  if (at == line.npos) return "";
  at += start.size() + (line[at + start.size()] == '"' ? 1 : 0);
  return line.substr(at, line.find_first_of("\",}", at) - at);
}

// Of "2024-11-12T10:15:30.007Z"; of whole seconds there is no ".007".
std::int64_t ms_of_day(const std::string& time) {
  return std::stoi(time.substr(11, 2)) * kHour + std::stoi(time.substr(14, 2)) * kMinute +
         std::llround(std::stod(time.substr(17)) * 1'000);
}

TEST(GameFeed, IsInOrderOfArrivalAndWithinItsTime) {
  GameFeed feed(options(20 * kMinute));
  Timestamp last = kStart;
  std::size_t count = 0;
  for (auto events = feed.next(kEndOfTime); !events.empty(); events = feed.next(kEndOfTime)) {
    for (const FeedEvent& event : events) {
      ASSERT_GE(event.at, last);
      last = event.at;
      if (event.is_corrupt) continue;
      const std::string_view path = key_field_of(event.kind);
      const std::string name(path.substr(path.find('.') == path.npos ? 0 : path.find('.') + 1));
      ASSERT_EQ(field(std::string(event.json), name), event.key) << event.json;
    }
    count += events.size();
  }
  EXPECT_LT(last, kStart + Duration{20 * kMinute});
  EXPECT_EQ(feed.next_time(), std::nullopt);
  EXPECT_GT(count, 50'000U);
}

TEST(GameFeed, GivesWhatIsDue) {
  GameFeed whole(options(2 * kMinute)), parts(options(2 * kMinute));
  EXPECT_TRUE(parts.next(kStart - Duration{1}).empty());
  std::vector<std::string> lines;
  for (std::int64_t ms = 0; ms < 2 * kMinute; ms += 333) {
    for (const std::string& line : read(parts, kStart + Duration{ms})) lines.push_back(line);
    const auto next = parts.next_time();
    EXPECT_TRUE(!next || *next > kStart + Duration{ms});
  }
  for (const std::string& line : read(parts)) lines.push_back(line);
  EXPECT_EQ(lines, read(whole));
}

TEST(GameFeed, IsTheSameInAnyNumberOfThreads) {
  // So many that several threads are used.
  std::vector<std::string> first;
  std::string truth;
  for (const std::size_t threads : {1, 2, 4}) {
    GameOptions many = options(30'000);
    many.game.players = 150'000;
    many.capacity_scale = 150'000 / 8'000.0;
    many.for_each = with_threads(threads);
    GameFeed feed(std::move(many));
    auto lines = read(feed);
    EXPECT_GT(lines.size(), 30'000U);
    if (threads == 1) {
      first = std::move(lines);
      truth = feed.truth();
    } else {
      EXPECT_TRUE(lines == first) << threads;
      EXPECT_EQ(feed.truth(), truth);
    }
  }
}

TEST(GameFeed, SkipsOfEachKindItsOwn) {
  GameFeed whole(options(10 * kMinute)), rest(options(10 * kMinute));
  const Feed::Counts skipped{9'000, 0, 700, 12'345};
  Feed::Counts left = skipped;
  std::vector<std::string> expected;
  for (auto events = whole.next(kEndOfTime); !events.empty(); events = whole.next(kEndOfTime)) {
    for (const FeedEvent& event : events) {
      std::uint64_t& of_kind = left[static_cast<std::size_t>(event.kind)];
      if (of_kind > 0) {
        --of_kind;
      } else {
        expected.emplace_back(event.json);
      }
    }
  }
  EXPECT_EQ(left, Feed::Counts{});
  rest.skip(skipped);
  EXPECT_EQ(read(rest), expected);
  EXPECT_EQ(rest.truth(), whole.truth());
}

TEST(GameFeed, StopsAfterSoManyOfEachKind) {
  GameOptions few = options(kHour);
  few.events = 100;
  few.kinds = {EventKind::kServer, EventKind::kPurchase};
  GameFeed feed(std::move(few));
  std::map<std::string, int> kinds;
  for (const std::string& line : read(feed)) ++kinds[field(line, "event_name")];
  EXPECT_EQ(kinds, (std::map<std::string, int>{{"server_metric", 100}, {"transaction", 100}}));
}

TEST(GameFeed, SeedsAndTimesMakeOtherGames) {
  const auto first_line = [](std::uint64_t seed, Timestamp from) {
    GameOptions made = options(kMinute);
    made.game.seed = seed;
    made.from = from;
    made.kinds = {EventKind::kPlayer};
    GameFeed feed(std::move(made));
    return read(feed)[0];
  };
  const std::string one = first_line(1, kStart);
  EXPECT_EQ(one, first_line(1, kStart));
  EXPECT_NE(one, first_line(2, kStart));
  // A run that begins at another time has no id of this one.
  EXPECT_NE(field(one, "event_id"), field(first_line(1, kStart + Duration{1}), "event_id"));
}

// Who is a speed hacker completes levels within seconds while it goes on, and before and after as
// others do; what comes before does not depend on it.
TEST(GameFeed, SpeedHackersCompleteLevelsInNoTime) {
  const std::string faults = "players: 1000\nfaults: { late: 0, wrong-clocks: 0, bots: 0 }\n";
  const std::string hackers =
      "anomalies: { speed-hackers: { at: 20m, for: 15m, every: 30m, players: 3 } }\n";
  GameFeed quiet(options(20 * kMinute, faults)), feed(options(kHour, faults + hackers));
  EXPECT_EQ(read(feed, kStart + Duration{20 * kMinute - 1}), read(quiet));
  const std::int64_t start = kStart.ms % (24 * kHour);
  std::map<std::string, std::pair<std::string, std::int64_t>> started;  // by player: the attempt
  std::map<std::string, int> completed, fast;  // by player; within 4 s, while it goes on
  for (auto events = feed.next(kEndOfTime); !events.empty(); events = feed.next(kEndOfTime)) {
    for (const FeedEvent& event : events) {
      if (event.kind != EventKind::kPlayer || event.is_corrupt) continue;
      const std::string line(event.json), player = field(line, "user_id");
      const std::string type = field(line, "event_type"), attempt = field(line, "attempt_id");
      const std::int64_t at = ms_of_day(field(line, "event_timestamp"));
      if (type == "level_start") started[player] = {attempt, at};
      if (type != "level_complete" || started[player].first != attempt) continue;
      ++completed[player];
      const std::int64_t begins = started[player].second - start;
      const bool is_on =
          begins >= 20 * kMinute && (begins - 20 * kMinute) % (30 * kMinute) < 15 * kMinute;
      if (at - started[player].second < 4'000) ++fast[is_on ? player : "nobody"];
    }
  }
  const std::string truth = feed.truth();
  EXPECT_LE(fast.size(), 6U);
  EXPECT_GE(fast.size(), 4U);
  EXPECT_GT(completed.size(), 2 * fast.size());
  for (const auto& [player, count] : fast) {
    EXPECT_GE(count, 20) << player;
    EXPECT_NE(truth.find('"' + player + '"'), std::string::npos) << player;
  }
}

// Purchases that are not like those of others are of whom the truth says; and whom an anomaly of
// another kind finds does not depend on them.
TEST(GameFeed, FraudsAreOfWhomTheTruthSays) {
  const std::string plain =
      "players: 2000\nfaults: { corrupt: 0 }\n"
      "anomalies:\n  burst-account: { at: 5m, every: 20m }\n";
  GameFeed quiet(options(5 * kHour, plain));
  GameFeed feed(options(5 * kHour, plain + "  price-tamperers: { at: 30m, every: 1h }\n"
                                           "  currency-hoppers: { at: 15m }\n"
                                           "  device-farm: { at: 10m }\n"
                                           "  account-takeover: { at: 1h, every: 2h }\n"));
  std::map<std::string, double> prices;  // of an item in a currency
  const spec::Game game = *spec::parse_game("").game;
  for (const spec::GameItem& item : game.items) {
    for (const spec::GamePrice& price : item.prices)
      prices[item.name + price.currency] =
          std::stod(amount_text(price.minor_units, price.currency));
  }
  std::map<std::string, std::set<std::string>> currencies, users;  // by player; by device
  std::map<std::string, std::map<std::string, int>> devices;       // of a player: how often
  std::vector<std::string> purchases;
  read(quiet);
  for (const std::string& line : read(feed)) {
    if (field(line, "transaction_type") != "purchase") continue;
    const std::string player = field(line, "user_id"), device = field(line, "device_id");
    currencies[player].insert(field(line, "currency"));
    users[device].insert(player);
    ++devices[player][device];
    purchases.push_back(line);
  }
  const auto of_kind = [](const GameFeed& from, std::string_view kind) {
    std::multiset<std::string> players;
    const boost::json::value truth = boost::json::parse(from.truth());
    for (const auto& anomaly : truth.at("anomalies").as_array()) {
      if (anomaly.at("kind").as_string().c_str() != kind) continue;
      for (const auto& player : anomaly.at("players").as_array())
        players.emplace(player.as_string().c_str());
    }
    return players;
  };
  EXPECT_EQ(of_kind(feed, "burst-account"), of_kind(quiet, "burst-account"));
  EXPECT_EQ(of_kind(quiet, "burst-account").size(), 15U);

  std::map<std::string, int> tampered;
  for (const std::string& line : purchases) {
    const double price = prices.at(field(line, "item_id") + field(line, "currency"));
    const double amount = std::stod(field(line, "amount"));
    if (amount == price) continue;
    EXPECT_LE(amount, 0.5 * price) << line;
    ++tampered[field(line, "user_id")];
  }
  const auto tamperers = of_kind(feed, "price-tamperers");
  EXPECT_EQ(tamperers.size(), 15U);
  for (const auto& [player, count] : tampered) EXPECT_TRUE(tamperers.contains(player)) << player;
  for (const std::string& player : tamperers) EXPECT_GE(tampered[player], 5) << player;
  const auto hoppers = of_kind(feed, "currency-hoppers");
  EXPECT_EQ(hoppers.size(), 2U);
  for (const auto& [player, codes] : currencies)
    EXPECT_EQ(codes.size() > 1, hoppers.contains(player)) << player;
  const auto farmers = of_kind(feed, "device-farm");
  for (const auto& [device, players] : users) {
    if (players.size() == 1) continue;
    EXPECT_EQ(players, std::set<std::string>(farmers.begin(), farmers.end())) << device;
  }
  for (const std::string& player : of_kind(feed, "account-takeover")) {
    const auto most =
        std::ranges::max_element(devices[player], {}, [](const auto& of) { return of.second; });
    EXPECT_GE(most->second, 30) << player;
    EXPECT_EQ(users[most->first].size(), 1U);
  }
}

// Players come in the evening of where they live, hard levels are harder, servers follow the
// players: in one day of a game without anomalies.
TEST(GameFeed, IsLikeAGame) {
  GameOptions day = options(24 * kHour, "players: 4000\n");
  day.from = {1'730'851'200'000};  // 2024-11-06, a Wednesday
  day.capacity_scale = 0.5;
  GameFeed feed(std::move(day));
  std::map<std::string, std::map<int, int>> starts;  // of regions and hours, by their servers
  std::map<std::string, std::string> region_of;
  std::map<std::string, std::pair<int, int>> attempts;  // of levels: started, completed
  std::map<std::string, int> platforms;
  std::map<std::string, std::vector<std::pair<int, int>>> metrics;  // load and latency, by server
  std::size_t count = 0;
  std::vector<std::pair<std::string, int>> sessions;
  for (auto events = feed.next(kEndOfTime); !events.empty(); events = feed.next(kEndOfTime)) {
    count += events.size();
    for (const FeedEvent& event : events) {
      if (event.kind == EventKind::kPosition || event.is_corrupt) continue;
      const std::string line(event.json);
      if (event.kind == EventKind::kServer) {
        region_of[std::string(event.key)] = field(line, "region");
        metrics[std::string(event.key)].emplace_back(std::stoi(field(line, "cpu_load")),
                                                     std::stoi(field(line, "latency")));
      }
      if (event.kind != EventKind::kPlayer) continue;
      const std::string type = field(line, "event_type");
      if (type == "session_start") {
        ++platforms[field(line, "platform")];
        sessions.emplace_back(field(line, "server_id"),
                              static_cast<int>(event.at.ms % (24 * kHour) / kHour));
      }
      if (type == "level_start") ++attempts[field(line, "level_id")].first;
      if (type == "level_complete") ++attempts[field(line, "level_id")].second;
    }
  }
  // As --rate goes by; see app/generate/feeds.cc.
  EXPECT_NEAR(static_cast<double>(count) / 4'000, 1'175, 120);
  for (const auto& [server, hour] : sessions) ++starts[region_of[server]][hour];
  EXPECT_GT(starts["eu-west"][20], 4 * starts["eu-west"][4]);
  EXPECT_GT(starts["ap-northeast"][11], 4 * starts["ap-northeast"][19]);
  EXPECT_GT(platforms["Mobile"], platforms["PC"]);
  EXPECT_GT(platforms["PC"], platforms["Console"]);
  EXPECT_EQ(attempts.size(), 12U);
  const auto rate = [&](const std::string& level) {
    return static_cast<double>(attempts[level].second) / attempts[level].first;
  };
  EXPECT_GT(rate("level_01"), 0.8);
  EXPECT_GT(rate("level_04"), 1.3 * rate("level_05"));
  EXPECT_GT(rate("level_08"), 1.3 * rate("level_09"));
  for (const auto& [server, samples] : metrics) {
    const auto [low, high] = std::ranges::minmax_element(samples);
    EXPECT_GT(high->first, low->first + 20) << server;
    EXPECT_LT(high->second, 150) << server;
  }
  EXPECT_EQ(metrics.size(), 14U);
}

// Printed, not asserted: the machine may be busy.
TEST(GameFeed, SpeedForTheRecord) {
  GameFeed feed(options(6 * kHour));
  std::uint64_t count = 0, bytes = 0;
  const auto start = std::chrono::steady_clock::now();
  for (auto events = feed.next(kEndOfTime); !events.empty(); events = feed.next(kEndOfTime)) {
    count += events.size();
    for (const FeedEvent& event : events) bytes += event.json.size();
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  GameFeed again(options(6 * kHour));
  const auto skip = std::chrono::steady_clock::now();
  again.skip({UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX});
  EXPECT_EQ(again.next_time(), std::nullopt);
  const std::chrono::duration<double> skipped = std::chrono::steady_clock::now() - skip;
  std::printf("%llu events, %.0f bytes each; %.2f M/s, skipped %.2f M/s\n",
              static_cast<unsigned long long>(count),
              static_cast<double>(bytes) / static_cast<double>(count),
              static_cast<double>(count) / took.count() / 1e6,
              static_cast<double>(count) / skipped.count() / 1e6);
}

}  // namespace
}  // namespace gameflow::generate
