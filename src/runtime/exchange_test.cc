#include "runtime/exchange.h"

#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace gameflow::runtime {
namespace {

constexpr window::Span kWindow{{0}, {100}}, kNext{{100}, {200}};

TEST(Exchange, EveryRecordIsInTheShardOfItsKeyInOrder) {
  std::mt19937 random(1);
  Exchange exchange;
  ExchangeBuilder builder;
  for (int round = 0; round < 3; ++round) {  // its memory is used again
    std::map<std::uint32_t, std::vector<std::pair<std::string, std::uint32_t>>> expected;
    std::vector<std::string> keys;
    for (int i = 0; i < 500; ++i) keys.push_back(fmt::format("player_{}", random() % 100));
    builder.begin(exchange, {});
    for (std::uint32_t i = 0; i < keys.size(); ++i) {
      builder.add(keys[i], builder.number_of(i % 3 == 0 ? kNext : kWindow), &keys[i], {i}, i, i);
      expected[state::shard_of(state::hash_key(keys[i]))].emplace_back(keys[i], i);
    }
    builder.finish();
    keys.assign(keys.size(), "gone");  // from here on the exchange has its own
    for (std::uint32_t shard = 0; shard < state::kShards; ++shard) {
      std::vector<std::pair<std::string, std::uint32_t>> found;
      const Exchange::Records placed = exchange.shard(shard);
      for (std::size_t i = 0; i < placed.size; ++i) {
        const std::string_view key = placed.probes[i].key;
        const std::uint32_t record = placed.records[i].record;
        found.emplace_back(key, record);
        EXPECT_EQ(placed.probes[i].hash, state::hash_key(key));
        EXPECT_EQ(exchange.windows()[placed.records[i].window], record % 3 == 0 ? kNext : kWindow);
        EXPECT_EQ(placed.records[i].value, &keys[record]);
        EXPECT_EQ(placed.records[i].time, Timestamp{record});
      }
      EXPECT_EQ(found, expected[shard]) << shard;
      EXPECT_EQ((exchange.shards() >> shard & 1U) != 0, !found.empty());
    }
    EXPECT_EQ(exchange.size(), 500U);
    exchange.clear();
    EXPECT_EQ(exchange.size(), 0U);
    EXPECT_EQ(exchange.shards(), 0U);
    EXPECT_TRUE(exchange.windows().empty());
    EXPECT_EQ(exchange.shard(0).size, 0U);
  }
}

TEST(Exchange, KeysGetWhatStandsBehindThem) {
  Exchange exchange;
  ExchangeBuilder builder;
  const int value = 0;
  builder.begin(exchange, "/0");
  builder.add("ann", builder.number_of(kWindow), &value, {}, 0, 0);
  builder.finish();
  const std::uint64_t hash = state::hash_key("ann/0");
  const Exchange::Records placed = exchange.shard(state::shard_of(hash));
  ASSERT_EQ(placed.size, 1U);
  EXPECT_EQ(placed.probes[0].key, "ann/0");
  EXPECT_EQ(placed.probes[0].hash, hash);
  exchange.clear();
  builder.begin(exchange, {});
  builder.add("ann", builder.number_of(kWindow), &value, {}, 0, 0);
  builder.finish();
  EXPECT_EQ(exchange.shard(state::shard_of(state::hash_key("ann"))).probes[0].key, "ann");
}

TEST(Exchange, WindowsAreNamedOnceInOrderOfTheirFirstRecord) {
  Exchange exchange;
  ExchangeBuilder builder;
  const int value = 0;
  builder.begin(exchange, {});
  for (const window::Span window : {kNext, kWindow, kNext, kNext, kWindow})
    builder.add("ann", builder.number_of(window), &value, {}, 0, 0);
  builder.finish();
  EXPECT_EQ(exchange.windows(), (std::vector<window::Span>{kNext, kWindow}));
}

}  // namespace
}  // namespace gameflow::runtime
