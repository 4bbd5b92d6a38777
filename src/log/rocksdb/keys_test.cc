// The worked example of docs/formats/store.md.
#include "log/rocksdb/keys.h"

#include <string>

#include <gtest/gtest.h>

#include "base/hex.h"

namespace gameflow::log {
namespace {

constexpr TopicId kTopic{1};
constexpr Timestamp kTime{1'731'406'530'000};

TEST(Keys, AreAsDocumented) {
  struct Row {
    std::string bytes;
    const char* documented;
  };
  const TopicInfo topic{
      .id = kTopic,
      .config = {.name = "clicks", .partitions = 2, .retention_age = Duration{3'600'000}},
      .created_at = kTime,
      .partitions = {}};
  const Row rows[] = {
      {std::string(kFormatKey), "666f726d6174"},
      {encode_number(kStoreFormat), "00000001"},
      {std::string(kNextTopicIdKey), "6e6578742d746f7069632d6964"},
      {topic_key(kTopic), "7400000001"},
      {encode_topic(topic), "000001931fdf05d0000000000036ee80ffffffffffffffff00000002636c69636b73"},
      {partition_key(kTopic, 1), "700000000100000001"},
      {encode_partition({.begin = {4}, .end = {7}, .bytes = 120, .spread = {{{5}, {9}}}}),
       "000000000000000400000000000000070000000000000078"
       "00000000000000050000000000000009"},
      {encode_partition({.begin = {4}, .end = {7}, .bytes = 120, .spread = {}}),
       "000000000000000400000000000000070000000000000078"},
      {producer_key(kTopic, "web-1"), "73000000017765622d31"},
      {encode_producer({{3}, kTime}), "0000000000000003000001931fdf05d0"},
      {producer_key(kAllTopics, "connector/web"), "7300000000636f6e6e6563746f722f776562"},
      {encode_producer({{3, "after 3"}, kTime}), "0000000000000003000001931fdf05d061667465722033"},
      {log_key(kTopic, 1, {4}), "00000001000000010000000000000004"},
      {id_key({kTopic, digest_of("event_id", "e-1")}), "00000001c19f043c84c91981e8545433c47df138"},
      {encode_id({digest_of("{\"event_id\":\"e-1\"}"), kTime, {1, {4}}}),
       "c2d752bb2a69a939163f6456c78be8d8000001931fdf05d0000000010000000000000004"},
      {encode_id({digest_of("{\"event_id\":\"e-1\"}"), {}, {1, {4}}}),
       "c2d752bb2a69a939163f6456c78be8d8ffffffffffffffff000000010000000000000004"},
  };
  for (const Row& row : rows) EXPECT_EQ(to_hex(row.bytes), row.documented);

  const TopicInfo read = decode_topic(topic_key(kTopic), encode_topic(topic)).value();
  EXPECT_EQ(read.id, kTopic);
  EXPECT_EQ(read.created_at, kTime);
  EXPECT_EQ(read.config.name, "clicks");
  EXPECT_EQ(read.config.partitions, 2U);
  EXPECT_EQ(read.config.retention_age, topic.config.retention_age);
  EXPECT_EQ(read.config.retention_bytes, std::nullopt);
  EXPECT_EQ(base_offset_of(log_key(kTopic, 1, {4})), Offset{4});
  EXPECT_EQ(topic_of_id(id_key({kTopic, {}})), kTopic);
  for (const std::optional<Timestamp> until : {std::optional(kTime), std::optional<Timestamp>()}) {
    const IdRecord id = decode_id(encode_id({digest_of("a"), until, {1, {4}}})).value();
    EXPECT_EQ(id.content, digest_of("a"));
    EXPECT_EQ(id.until, until);
    EXPECT_EQ(id.place.partition, 1U);
    EXPECT_EQ(id.place.offset, Offset{4});
  }
}

TEST(Keys, TimesOfRecordsOfOldPartitionsAreNotKnown) {
  const auto again = [](const PartitionInfo& info) {
    return decode_partition(encode_partition(info)).value().spread;
  };
  EXPECT_FALSE(again({.begin = {4}, .end = {7}, .spread = {}}));
  const auto known = again({.begin = {4}, .end = {7}, .spread = {{{5}, {9}}}});
  ASSERT_TRUE(known);
  EXPECT_EQ(known->ahead, Duration{5});
  EXPECT_EQ(known->behind, Duration{9});
  // There is none, so nothing of them is unknown.
  EXPECT_TRUE(again({.begin = {7}, .end = {7}, .spread = {}}));
}

TEST(Keys, Producers) {
  EXPECT_EQ(producer_of(producer_key(kTopic, "web-1")), "web-1");
  for (const ProducerState& state : {ProducerState{3}, ProducerState{3, "after 3"}}) {
    const ProducerRecord read = decode_producer(encode_producer({state, kTime})).value();
    EXPECT_EQ(read.state, state);
    EXPECT_EQ(read.used_at, kTime);
  }
}

TEST(Keys, OtherLengthsAreCorrupt) {
  for (const std::size_t size : {0, 3, 5, 15})
    EXPECT_FALSE(decode_producer({"0123456789abcdef", size}));
  for (const std::size_t size : {0, 3, 5, 15, 17, 23, 25}) {
    const std::string bytes(size, '\0');
    EXPECT_FALSE(decode_number(bytes));
    EXPECT_FALSE(decode_topic(topic_key(kTopic), bytes));
    EXPECT_FALSE(decode_partition(bytes));
    EXPECT_FALSE(decode_id(bytes));
  }
}

}  // namespace
}  // namespace gameflow::log
