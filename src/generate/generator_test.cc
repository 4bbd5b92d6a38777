#include "generate/generator.h"

#include <chrono>
#include <cstdio>
#include <map>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

namespace gameflow::generate {
namespace {

constexpr Timestamp kStart{1'731'406'530'007};  // 2024-11-12T10:15:30.007Z

std::string lines(EventKind kind, std::uint64_t seed, int count, std::uint64_t skipped = 0) {
  Generator generator(kind, {.seed = seed});
  generator.skip(skipped);
  std::string out;
  for (int i = 0; i < count; ++i) generator.append(kStart + Duration{i * 10}, out);
  return out;
}

TEST(Generator, GoldenFirstLines) {
  struct Case {
    const char* name;
    EventKind kind;
    const char* line;
  };
  const Case cases[] = {
      {"player", EventKind::kPlayer,
       R"({"event_name":"player_action","parameters":{"player_id":"player_82","session_id":"session_711279","event_type":"move","level_id":"level_02","map_id":"map_04"},"event_timestamp":"2024-11-12T10:15:30.007Z","user_data":{"user_id":"player_82","platform":"PC"}})"},
      {"purchase", EventKind::kPurchase,
       R"({"event_name":"transaction","parameters":{"transaction_id":"trans_0f1417bb4cccfd30","transaction_type":"purchase","currency":"USD","amount":19.99,"item_id":"pass_season","item_type":"pass"},"event_timestamp":"2024-11-12T10:15:30.007Z","user_data":{"user_id":"player_88","platform":"Mobile"}})"},
      {"server", EventKind::kServer,
       R"({"event_name":"server_metric","parameters":{"server_id":"server_1","cpu_load":40,"memory_usage":64,"latency":47},"event_timestamp":"2024-11-12T10:15:30.007Z","server_data":{"region":"us-west","server_type":"virtual"}})"},
      {"position", EventKind::kPosition,
       R"({"player_id":"player_59","x":723.9,"y":14.7,"event_timestamp":"2024-11-12T10:15:30.007Z"})"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(lines(c.kind, 42, 1), std::string(c.line) + "\n");
  }
}

TEST(Generator, SameSeedSameStreamOtherSeedOtherStream) {
  for (const EventKind kind : {EventKind::kPlayer, EventKind::kPurchase, EventKind::kServer}) {
    EXPECT_EQ(lines(kind, 7, 1000), lines(kind, 7, 1000));
    EXPECT_NE(lines(kind, 7, 1000), lines(kind, 8, 1000));
  }
}

TEST(Generator, SkipContinuesTheStream) {
  Generator whole(EventKind::kPurchase, {.seed = 7});
  Generator resumed(EventKind::kPurchase, {.seed = 7});
  std::string head, expected, tail;
  for (int i = 0; i < 500; ++i) whole.append(kStart, head);
  for (int i = 0; i < 500; ++i) whole.append(kStart, expected);
  resumed.skip(500);
  for (int i = 0; i < 500; ++i) resumed.append(kStart, tail);
  EXPECT_EQ(tail, expected);
}

// The text between `before` and the next '"', ',' or '}'.
std::string field(const std::string& line, const std::string& before) {
  const std::size_t at = line.find(before);
  if (at == std::string::npos) return "<no " + before + ">";
  const std::size_t begin = at + before.size();
  return line.substr(begin, line.find_first_of("\",}", begin) - begin);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> result;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) result.push_back(line);
  return result;
}

TEST(Generator, PlayersAreDiverseAndSomeMoreActive) {
  std::map<std::string, int> by_player, by_type;
  std::set<std::string> platforms, levels;
  for (const std::string& line : split(lines(EventKind::kPlayer, 1, 20'000))) {
    EXPECT_EQ(field(line, R"("player_id":")"), field(line, R"("user_id":")"));
    ++by_player[field(line, R"("player_id":")")];
    ++by_type[field(line, R"("event_type":")")];
    platforms.insert(field(line, R"("platform":")"));
    levels.insert(field(line, R"("level_id":")"));
  }
  EXPECT_EQ(by_player.size(), 99U);
  EXPECT_EQ(by_type.size(), 3U);
  EXPECT_GT(by_type["move"], by_type["interaction"]);
  EXPECT_GT(by_type["interaction"], by_type["level_complete"]);
  EXPECT_EQ(platforms, (std::set<std::string>{"PC", "Console", "Mobile"}));
  EXPECT_EQ(levels.size(), 12U);
  int busiest = 0;
  for (const auto& [player, count] : by_player) busiest = std::max(busiest, count);
  EXPECT_GT(busiest, 20'000 / 99 * 3 / 2);
}

TEST(Generator, PurchasesHaveDistinctIdsKnownPricesAndFewRefunds) {
  std::set<std::string> ids;
  std::map<std::string, std::set<std::string>> prices;
  int refunds = 0;
  for (const std::string& line : split(lines(EventKind::kPurchase, 1, 20'000))) {
    ids.insert(field(line, R"("transaction_id":")"));
    prices[field(line, R"("item_id":")")].insert(field(line, R"("amount":)"));
    refunds += field(line, R"("transaction_type":")") == "refund" ? 1 : 0;
    EXPECT_EQ(field(line, R"("currency":")"), "USD");
  }
  EXPECT_EQ(ids.size(), 20'000U);
  EXPECT_EQ(prices.size(), 8U);
  for (const auto& [item, amounts] : prices) EXPECT_EQ(amounts.size(), 1U) << item;
  EXPECT_GT(refunds, 400);
  EXPECT_LT(refunds, 800);
}

TEST(Generator, ServersDriftWithinTheirRanges) {
  std::map<std::string, int> last_load;
  for (const std::string& line : split(lines(EventKind::kServer, 1, 20'000))) {
    const int load = std::stoi(field(line, R"("cpu_load":)"));
    const int memory = std::stoi(field(line, R"("memory_usage":)"));
    const int latency = std::stoi(field(line, R"("latency":)"));
    EXPECT_TRUE(load >= 0 && load <= 100 && memory >= 0 && memory <= 100) << line;
    EXPECT_TRUE(latency > 0 && latency < 500) << line;
    const auto [previous, first] = last_load.try_emplace(field(line, R"("server_id":")"), load);
    EXPECT_TRUE(first || std::abs(load - previous->second) <= 5) << line;
    previous->second = load;
  }
  EXPECT_EQ(last_load.size(), 12U);
}

TEST(Generator, TimesAreIsoWithMilliseconds) {
  struct Case {
    Timestamp time;
    const char* text;
  };
  for (const Case& c :
       {Case{{0}, "1970-01-01T00:00:00.000Z"}, Case{kStart, "2024-11-12T10:15:30.007Z"},
        Case{{1'731'406'530'999}, "2024-11-12T10:15:30.999Z"},
        Case{{-1}, "1969-12-31T23:59:59.999Z"}}) {
    Generator generator(EventKind::kServer, {});
    std::string out;
    generator.append(c.time, out);
    EXPECT_EQ(field(out, R"("event_timestamp":")"), c.text);
  }
}

TEST(Generator, LargestIdsFit) {
  Generator generator(EventKind::kPlayer, {.seed = UINT64_MAX, .players = 1'000'000});
  std::string out;
  for (int i = 0; i < 1000; ++i) generator.append({253'402'300'799'999}, out);
  for (const std::string& line : split(out)) EXPECT_LT(line.size(), 400U);
}

// Printed, not asserted: the machine may be busy.
TEST(Generator, SpeedForTheRecord) {
  Generator generator(EventKind::kPlayer, {});
  std::string out;
  constexpr int kEvents = 200'000;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kEvents; ++i) {
    if (out.size() > 1U << 20U) out.clear();
    generator.append(kStart + Duration{i}, out);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("%.1f M player events/s\n", kEvents / took.count() / 1e6);
}

}  // namespace
}  // namespace gameflow::generate
