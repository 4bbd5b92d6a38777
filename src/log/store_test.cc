// What every store does, run on both back ends.
#include "log/store.h"

#include <atomic>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "log/memory/memory_store.h"
#include "log/rocksdb/rocksdb_store.h"
#include "log/test_util.h"

namespace gameflow::log {
namespace {

constexpr Timestamp kStart{1'700'000'000'000};
constexpr Duration kMinute{60'000}, kHour{60 * 60'000}, kDay{24 * 60 * 60'000},
    kYear{365 * kDay.ms};

enum class BackEnd { kMemory, kMemoryGaps, kRocksdb, kRocksdbNoCache };

class StoreTest : public ::testing::TestWithParam<BackEnd> {
 protected:
  explicit StoreTest(Durability durability = Durability::kFsync) : durability_(durability) {
    open();
  }

  void open() {
    if (is_memory()) {
      store_ = make_memory_store(
          clock_, GetParam() == BackEnd::kMemoryGaps ? MemoryOptions{.gaps = 7} : MemoryOptions{});
      return;
    }
    RocksdbOptions options = test_options(folder_.path(), clock_);
    if (GetParam() == BackEnd::kRocksdbNoCache) options.tail_cache_bytes = 0;
    options.durability = durability_;
    auto opened = open_rocksdb_store(options);
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = *std::move(opened);
  }
  // Where the back end keeps what it holds.
  void reopen() {
    if (is_memory()) return;
    store_.reset();
    open();
  }
  static bool is_memory() {
    return GetParam() == BackEnd::kMemory || GetParam() == BackEnd::kMemoryGaps;
  }
  TopicId create(const std::string& name, std::uint32_t partitions = 1) {
    return store_->create_topic({.name = name, .partitions = partitions}).value().id;
  }

  const Durability durability_;
  TempFolder folder_;
  ManualClock clock_{kStart};
  std::unique_ptr<Store> store_;
};

INSTANTIATE_TEST_SUITE_P(BackEnds, StoreTest,
                         ::testing::Values(BackEnd::kMemory, BackEnd::kRocksdb,
                                           BackEnd::kRocksdbNoCache),
                         [](const auto& test) {
                           switch (test.param) {
                             case BackEnd::kMemory:
                               return "Memory";
                             case BackEnd::kMemoryGaps:
                               return "MemoryGaps";
                             case BackEnd::kRocksdb:
                               return "Rocksdb";
                             case BackEnd::kRocksdbNoCache:
                               return "RocksdbNoCache";
                           }
                           return "";
                         });

TEST(TopicName, IsPlain) {
  struct Row {
    std::string name;
    bool allowed;
  };
  const Row rows[] = {{"player-events", true},
                      {"a.b_c-9", true},
                      {"", false},
                      {".", false},
                      {"..", false},
                      {"a/b", false},
                      {"ä", false},
                      {"a b", false},
                      {std::string(200, 'x'), true},
                      {"...", true},
                      {std::string(201, 'x'), false}};
  for (const Row& row : rows) EXPECT_EQ(is_topic_name(row.name), row.allowed) << row.name;
}

TEST_P(StoreTest, CreatesTopicsOrSaysWhyNot) {
  struct Row {
    const char* what;
    TopicConfig config;
    std::optional<ErrorCode> error;
  };
  const Row rows[] = {
      {"a topic", {.name = "a"}, {}},
      {"the same again", {.name = "a"}, ErrorCode::kTopicExists},
      {"many partitions", {.name = "b", .partitions = 1024}, {}},
      {"no partition", {.name = "c", .partitions = 0}, ErrorCode::kInvalidArgument},
      {"too many", {.name = "c", .partitions = 1025}, ErrorCode::kInvalidArgument},
      {"absurdly many", {.name = "c", .partitions = UINT32_MAX}, ErrorCode::kInvalidArgument},
      {"a bad name", {.name = "c/d"}, ErrorCode::kInvalidArgument},
      {"a negative age", {.name = "c", .retention_age = Duration{-1}}, ErrorCode::kInvalidArgument},
      {"with retention", {.name = "d", .retention_age = kDay, .retention_bytes = 9}, {}},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(code_of(store_->create_topic(row.config)), row.error) << row.what;
  }
  reopen();
  const auto topics = store_->topics();
  ASSERT_EQ(topics.size(), 3U);
  EXPECT_EQ(topics[0].config.name, "a");
  EXPECT_EQ(topics[1].partitions.size(), 1024U);
  EXPECT_EQ(topics[2].config.retention_age, kDay);
  EXPECT_EQ(topics[2].config.retention_bytes, 9U);
  EXPECT_EQ(topics[2].created_at, kStart);
  EXPECT_EQ(topics[0].config.retention_age, std::nullopt);
  EXPECT_EQ(store_->topic("d")->id, topics[2].id);
  EXPECT_EQ(store_->topic(topics[1].id)->config.name, "b");
}

TEST_P(StoreTest, AllTopicsTogetherHaveSoManyPartitions) {
  for (int i = 0; i < 16; ++i)
    ASSERT_TRUE(store_->create_topic({.name = fmt::format("t{}", i), .partitions = 1024}));
  const auto more = store_->create_topic({.name = "more"});
  EXPECT_EQ(code_of(more), ErrorCode::kInvalidArgument);
  EXPECT_NE(more.error().message.find("would make 16385 in all topics"), std::string::npos);
  ASSERT_TRUE(store_->delete_topic("t3"));
  EXPECT_TRUE(store_->create_topic({.name = "more"}));
  reopen();
  EXPECT_EQ(store_->topics().size(), 16U);
}

TEST_P(StoreTest, DeletedTopicIsGoneAndItsIdIsNotReused) {
  const TopicId first = create("a");
  ASSERT_TRUE(store_->commit(append(first, 0, {"x"})));
  ASSERT_TRUE(store_->delete_topic("a"));
  EXPECT_EQ(code_of(store_->delete_topic("a")), ErrorCode::kTopicNotFound);
  EXPECT_EQ(code_of(store_->topic("a")), ErrorCode::kTopicNotFound);
  EXPECT_EQ(code_of(store_->topic(first)), ErrorCode::kTopicNotFound);
  EXPECT_EQ(code_of(store_->read(first, 0, {0}, 1)), ErrorCode::kTopicNotFound);
  EXPECT_EQ(code_of(store_->commit(append(first, 0, {"x"}))), ErrorCode::kTopicNotFound);
  EXPECT_EQ(code_of(store_->producer(first, "p")), ErrorCode::kTopicNotFound);
  reopen();
  const TopicId second = create("a");
  EXPECT_NE(first, second);
  EXPECT_TRUE(values_from(*store_, second, 0, {0})->empty());
}

TEST_P(StoreTest, AppendsAndReadsBack) {
  const TopicId topic = create("a", 2);
  Commit commit = append(topic, 0, {"a0", "a1", "a2"});
  commit.appends.push_back({topic, 1, batch_of({"b0"})});
  commit.appends.push_back({topic, 0, batch_of({"a3"})});
  const auto ack = store_->commit(std::move(commit));
  ASSERT_TRUE(ack) << ack.error().message;
  EXPECT_EQ(ack->base_offsets, (std::vector<Offset>{{0}, {0}, {3}}));
  clock_.advance(kMinute);
  EXPECT_EQ(store_->commit(append(topic, 0, {"a4"}))->base_offsets, std::vector<Offset>{{4}});
  for (int round = 0; round < 2; ++round, reopen()) {
    const std::vector<std::string> all = {"a0", "a1", "a2", "a3", "a4"};
    for (std::uint64_t from = 0; from <= all.size(); ++from) {
      for (const std::size_t bytes_max : {0, 1'000, 1'000'000}) {
        EXPECT_EQ(*values_from(*store_, topic, 0, {from}, bytes_max),
                  std::vector<std::string>(all.begin() + static_cast<int>(from), all.end()));
      }
    }
    EXPECT_EQ(*values_from(*store_, topic, 1, {0}), std::vector<std::string>{"b0"});
    const ReadResult first = *store_->read(topic, 0, {0}, 0),
                     last = *store_->read(topic, 0, {4}, 0);
    ASSERT_EQ(first.batches.size(), 1U);
    EXPECT_EQ(first.batches[0]->appended_at(), kStart);
    EXPECT_EQ(first.next, Offset{3});
    EXPECT_FALSE(first.at_end);
    EXPECT_EQ(last.batches.at(0)->appended_at(), kStart + kMinute);
    EXPECT_EQ(last.next, Offset{5});
    EXPECT_TRUE(last.at_end);
    EXPECT_TRUE(store_->read(topic, 0, {5}, 0)->batches.empty());
    EXPECT_EQ(code_of(store_->read(topic, 0, {6}, 1)), ErrorCode::kOffsetOutOfRange);
    EXPECT_EQ(code_of(store_->read(topic, 2, {0}, 1)), ErrorCode::kInvalidArgument);
    const PartitionInfo info = store_->topic(topic)->partitions[0];
    EXPECT_EQ(info.begin, Offset{0});
    EXPECT_EQ(info.end, Offset{5});
    EXPECT_GT(info.bytes, 0U);
  }
}

TEST_P(StoreTest, RefusedCommitLeavesNothing) {
  const TopicId topic = create("a");
  struct Row {
    const char* what;
    std::function<void(Commit&)> spoil;
    ErrorCode error;
  };
  const Row rows[] = {
      {"unknown topic",
       [](Commit& c) {
         c.appends.push_back({{99}, 0, batch_of({"y"})});
       },
       ErrorCode::kTopicNotFound},
      {"unknown partition",
       [&](Commit& c) {
         c.appends.push_back({topic, 1, batch_of({"y"})});
       },
       ErrorCode::kInvalidArgument},
      {"empty batch",
       [&](Commit& c) {
         c.appends.push_back({topic, 0, {}});
       },
       ErrorCode::kInvalidArgument},
  };
  for (const Row& row : rows) {
    Commit commit = append(topic, 0, {"x"});
    commit.put.push_back({"k", "v"});
    row.spoil(commit);
    EXPECT_EQ(code_of(store_->commit(std::move(commit))), row.error) << row.what;
  }
  EXPECT_EQ(store_->topic(topic)->partitions[0].end, Offset{0});
  EXPECT_EQ(*store_->get("k"), std::nullopt);
  EXPECT_EQ(store_->stats().commits, 0U);
}

TEST_P(StoreTest, RefusedRequestLeavesNothing) {
  const TopicId topic = create("a");
  struct Row {
    const char* what;
    TopicId topic;
    std::uint32_t partition;
    std::vector<std::string> values;
    std::optional<ProducerStamp> producer;
    ErrorCode error;
  };
  const Row rows[] = {
      {"unknown topic", {99}, 0, {"y"}, {}, ErrorCode::kTopicNotFound},
      {"unknown partition", topic, 1, {"y"}, {}, ErrorCode::kInvalidArgument},
      {"empty batch", topic, 0, {}, {}, ErrorCode::kInvalidArgument},
      {"sequence gap", topic, 0, {"x"}, {{topic, "p", 1, 1}}, ErrorCode::kSequenceGap},
      {"stamp of an unknown topic",
       topic,
       0,
       {"x"},
       {{{99}, "p", 0, 1}},
       ErrorCode::kTopicNotFound},
      {"producer's name too long",
       topic,
       0,
       {"x"},
       {{topic, std::string(201, 'p'), 0, 1}},
       ErrorCode::kInvalidArgument},
  };
  for (const Row& row : rows) {
    const auto ack = produce(*store_, request(row.topic, row.partition, row.values, row.producer));
    EXPECT_EQ(code_of(ack), row.error) << row.what;
  }
  EXPECT_EQ(store_->topic(topic)->partitions[0].end, Offset{0});
  EXPECT_EQ(store_->producer(topic, "p")->next_sequence, 0U);
  EXPECT_EQ(store_->stats().commits, 0U);
}

TEST_P(StoreTest, ProducerStampsCountOn) {
  const TopicId topic = create("a"), other = create("b");
  const auto stamped = [&](TopicId id, const char* producer, std::uint64_t first,
                           std::uint64_t count) {
    return code_of(produce(*store_, request(id, 0, std::vector<std::string>(count, "x"),
                                            ProducerStamp{id, producer, first, count})));
  };
  EXPECT_EQ(store_->producer(topic, "p")->next_sequence, 0U);
  EXPECT_EQ(stamped(topic, "p", 0, 3), std::nullopt);
  EXPECT_EQ(stamped(topic, "p", 0, 3), ErrorCode::kSequenceGap);
  EXPECT_EQ(stamped(topic, "p", 4, 1), ErrorCode::kSequenceGap);
  EXPECT_EQ(stamped(topic, "p", 3, 2), std::nullopt);
  EXPECT_EQ(stamped(topic, "q", 0, 1), std::nullopt);
  EXPECT_EQ(stamped(other, "p", 0, 1), std::nullopt);
  reopen();
  EXPECT_EQ(store_->producer(topic, "p")->next_sequence, 5U);
  EXPECT_EQ(store_->producer(topic, "q")->next_sequence, 1U);
  EXPECT_EQ(store_->producer(other, "p")->next_sequence, 1U);
  EXPECT_EQ(store_->topic(topic)->partitions[0].end, Offset{6});

  clock_.advance({7 * kDay.ms - 1});
  EXPECT_EQ(store_->producer(topic, "p")->next_sequence, 5U);
  EXPECT_EQ(stamped(topic, "q", 1, 1), std::nullopt);
  clock_.advance({1});
  EXPECT_EQ(store_->producer(topic, "p")->next_sequence, 0U);
  ASSERT_TRUE(store_->apply_retention());
  EXPECT_EQ(store_->producer(topic, "q")->next_sequence, 2U);
  EXPECT_EQ(stamped(topic, "p", 0, 1), std::nullopt);
}

// Over all topics, with a position in the same commit.
TEST_P(StoreTest, PositionsOfProducers) {
  const TopicId topic = create("a"), other = create("b");
  const auto stamped = [&](std::uint64_t first, std::uint64_t count,
                           std::optional<std::string> position) {
    ProduceRequest both =
        request(topic, 0, {"x"}, ProducerStamp{kAllTopics, "p", first, count, std::move(position)});
    both.appends.push_back({other, 0, batch_of({"y"})});
    return code_of(produce(*store_, std::move(both)));
  };
  const auto known = [&] { return *store_->producer(kAllTopics, "p"); };
  EXPECT_EQ(known(), ProducerState{});
  EXPECT_EQ(stamped(0, 2, "after y"), std::nullopt);
  EXPECT_EQ(known(), (ProducerState{2, "after y"}));
  EXPECT_EQ(stamped(0, 2, "again"), ErrorCode::kSequenceGap);
  EXPECT_EQ(stamped(3, 2, "gap"), ErrorCode::kSequenceGap);
  EXPECT_EQ(stamped(2, 2, ""), ErrorCode::kInvalidArgument);
  EXPECT_EQ(stamped(2, 2, std::string(kPositionBytesMax + 1, 'x')), ErrorCode::kInvalidArgument);
  EXPECT_EQ(known(), (ProducerState{2, "after y"}));
  EXPECT_EQ(store_->topic(other)->partitions[0].end, Offset{1});
  EXPECT_EQ(stamped(2, 2, {}), std::nullopt);
  EXPECT_EQ(known(), (ProducerState{4, "after y"})) << "as before";
  const std::string longest(kPositionBytesMax, 'x');
  EXPECT_EQ(
      code_of(produce(*store_, {.appends = {}, .producer = {{kAllTopics, "p", 4, 0, longest}}})),
      std::nullopt);
  // Of one topic, and without a position: neither is listed.
  EXPECT_EQ(code_of(produce(*store_, request(topic, 0, {"x"}, {{topic, "p", 0, 1}}))),
            std::nullopt);
  EXPECT_EQ(code_of(produce(*store_, request(topic, 0, {"x"}, {{kAllTopics, "q", 0, 1}}))),
            std::nullopt);
  reopen();
  const auto listed = store_->positions().value();
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].producer, "p");
  EXPECT_EQ(listed[0].state, (ProducerState{4, longest}));
  EXPECT_EQ(store_->producer(topic, "p")->next_sequence, 1U);

  clock_.advance(kYear);
  EXPECT_EQ(known().next_sequence, 4U);
  reopen();
  clock_.advance(kDay);
  ASSERT_TRUE(store_->apply_retention());
  EXPECT_EQ(known(), (ProducerState{4, longest})) << "one with a position is not forgotten";
  EXPECT_EQ(store_->producer(kAllTopics, "q")->next_sequence, 0U);
  EXPECT_EQ(code_of(store_->forget_producer({99}, "p")), ErrorCode::kTopicNotFound);
  ASSERT_TRUE(store_->delete_topic("a"));
  EXPECT_EQ(known().next_sequence, 4U) << "it is of no topic";
  ASSERT_TRUE(store_->forget_producer(kAllTopics, "p"));
  reopen();
  EXPECT_EQ(known(), ProducerState{});
  EXPECT_TRUE(store_->positions()->empty());
}

TEST_P(StoreTest, KeepsTheEnginesKeysInTheSameCommit) {
  const auto write = [&](std::vector<KeyRange> erase, std::vector<KeyValue> put) {
    Commit commit;
    commit.erase = std::move(erase);
    commit.put = std::move(put);
    ASSERT_TRUE(store_->commit(std::move(commit)));
  };
  const auto keys = [&](const KeyRange& range) {
    std::string text;
    const std::vector<KeyValue> entries = scan_all(*store_, range);
    for (const KeyValue& entry : entries) text += entry.key + "=" + entry.value + " ";
    return text;
  };
  write({}, {{"a", "1"}, {"b", "2"}, {"b\xff", "3"}, {"c", ""}});
  EXPECT_EQ(keys({"", "z"}), "a=1 b=2 b\xff=3 c= ");
  EXPECT_EQ(keys({"b", "c"}), "b=2 b\xff=3 ");
  EXPECT_EQ(keys({"c", "b"}), "");
  std::string seen;
  const Status stopped = store_->scan({"", "z"}, [&seen](std::string_view key, std::string_view) {
    seen += key;
    return key == "b" ? Status(fail(ErrorCode::kDataCorrupt, "")) : Status{};
  });
  EXPECT_EQ(code_of(stopped), ErrorCode::kDataCorrupt);
  EXPECT_EQ(seen, "ab") << "a failure ends it";
  EXPECT_EQ(*store_->get("c"), "");
  EXPECT_EQ(*store_->get("d"), std::nullopt);
  write({{"b", "c"}, {"z", "a"}, {"x", "x"}}, {{"b", "new"}});
  reopen();
  EXPECT_EQ(keys({"", "z"}), "a=1 b=new c= ");
}

TEST_P(StoreTest, RetentionByAge) {
  const TopicId topic = store_->create_topic({.name = "a", .retention_age = kMinute}).value().id;
  const TopicId kept = create("kept");
  for (const char* value : {"old", "older", "young"}) {
    ASSERT_TRUE(store_->commit(append(topic, 0, {value, value})));
    ASSERT_TRUE(store_->commit(append(kept, 0, {value})));
    clock_.advance({30'000});
  }
  ASSERT_TRUE(store_->apply_retention());
  EXPECT_EQ(store_->topic(topic)->partitions[0].begin, Offset{2});
  EXPECT_EQ(code_of(store_->read(topic, 0, {1}, 1)), ErrorCode::kOffsetOutOfRange);
  reopen();
  EXPECT_EQ(*values_from(*store_, topic, 0, {2}),
            (std::vector<std::string>{"older", "older", "young", "young"}));
  clock_.advance(kDay);
  ASSERT_TRUE(store_->apply_retention());
  reopen();
  const PartitionInfo empty = store_->topic(topic)->partitions[0];
  EXPECT_EQ(empty.begin, Offset{6});
  EXPECT_EQ(empty.end, Offset{6});
  EXPECT_EQ(empty.bytes, 0U);
  EXPECT_EQ(store_->commit(append(topic, 0, {"next"}))->base_offsets[0], Offset{6});
  EXPECT_EQ(*values_from(*store_, topic, 0, {6}), std::vector<std::string>{"next"});
  EXPECT_EQ(store_->topic(kept)->partitions[0].begin, Offset{0});
}

TEST_P(StoreTest, RetentionMayChange) {
  const TopicId topic = create("a", 2);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(store_->commit(append(topic, 1, {"x"})));
  clock_.advance(kDay);
  ASSERT_TRUE(store_->apply_retention());
  EXPECT_EQ(store_->topic(topic)->partitions[1].begin, Offset{0});
  EXPECT_EQ(code_of(store_->set_retention("b", {})), ErrorCode::kTopicNotFound);
  EXPECT_EQ(code_of(store_->set_retention("a", {Duration{-1}, {}})), ErrorCode::kInvalidArgument);
  ASSERT_TRUE(store_->set_retention("a", {kMinute, 1'000'000}));
  reopen();
  EXPECT_EQ(store_->topic(topic)->config.retention(), (Retention{kMinute, 1'000'000}));
  EXPECT_EQ(store_->topic(topic)->config.partitions, 2U);
  EXPECT_EQ(store_->topic(topic)->created_at, kStart);
  clock_.advance(kHour);
  ASSERT_TRUE(store_->apply_retention());
  EXPECT_EQ(store_->topic(topic)->partitions[1].begin, Offset{3});
  ASSERT_TRUE(store_->commit(append(topic, 1, {"y"})));
  ASSERT_TRUE(store_->set_retention("a", {}));
  clock_.advance(kDay);
  ASSERT_TRUE(store_->apply_retention());
  reopen();
  EXPECT_EQ(store_->topic(topic)->partitions[1].begin, Offset{3});
  EXPECT_EQ(store_->topic("a")->config.retention(), Retention{});
}

// Whoever sets the clock, and for how long: nothing goes that would not have gone without, an hour
// later at most.
TEST_P(StoreTest, RetentionByAgeWhenTheClockIsSet) {
  const TopicId topic = store_->create_topic({.name = "a", .retention_age = kHour}).value().id;
  const auto begin_after_retention = [&] {
    EXPECT_TRUE(store_->apply_retention());
    return store_->topic(topic)->partitions[0].begin.value;
  };
  ASSERT_TRUE(store_->commit(append(topic, 0, {"first"})));
  clock_.advance({30 * kMinute.ms});
  ASSERT_TRUE(store_->commit(append(topic, 0, {"second"})));
  for (const Duration step : {kYear, Duration{-kYear.ms}}) {
    clock_.set(clock_.now() + step);
    EXPECT_EQ(begin_after_retention(), 0U);
    clock_.advance(kMinute);
    EXPECT_EQ(begin_after_retention(), 0U);
    clock_.set(clock_.now() - step);
    EXPECT_EQ(begin_after_retention(), 0U);
  }
  // The end of the step back counts as a step: it is what an hour passes for.
  clock_.advance({29 * kMinute.ms});
  EXPECT_EQ(begin_after_retention(), 0U);
  clock_.advance(kHour);
  EXPECT_EQ(begin_after_retention(), 2U);
  // Who means it leaves it so.
  ASSERT_TRUE(store_->commit(append(topic, 0, {"third"})));
  clock_.set(clock_.now() + kYear);
  EXPECT_EQ(begin_after_retention(), 2U);
  clock_.advance(kHour);
  EXPECT_EQ(begin_after_retention(), 3U);
}

TEST_P(StoreTest, AppendTimesOfAPartitionDoNotFall) {
  const TopicId topic = create("a", 2);
  const auto appended_at = [&](std::uint32_t partition) {
    EXPECT_TRUE(store_->commit(append(topic, partition, {"x"})));
    const PartitionInfo info = *store_->partition(topic, partition);
    const ReadResult read = *store_->read(topic, partition, info.begin, SIZE_MAX);
    EXPECT_EQ(info.appended_at, read.batches.back()->appended_at());
    return read.batches.back()->appended_at();
  };
  EXPECT_EQ(store_->partition(topic, 0)->appended_at, std::nullopt);
  EXPECT_EQ(appended_at(0), kStart);
  clock_.set(kStart - kHour);
  EXPECT_EQ(appended_at(0), kStart);
  EXPECT_EQ(appended_at(1), kStart - kHour);
  reopen();
  EXPECT_EQ(store_->partition(topic, 0)->appended_at, kStart);
  EXPECT_EQ(appended_at(0), kStart);
  clock_.set(kStart + kMinute);
  EXPECT_EQ(appended_at(0), kStart + kMinute);
}

TEST_P(StoreTest, RetentionByBytes) {
  const std::string value(1000, 'x');
  const std::uint64_t size = batch_of({value}).encode(kStart).size();
  const TopicId topic =
      store_->create_topic({.name = "a", .partitions = 2, .retention_bytes = 3 * size}).value().id;
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(store_->commit(append(topic, 1, {value})));
  EXPECT_EQ(store_->topic(topic)->partitions[1].bytes, 10 * size);
  ASSERT_TRUE(store_->apply_retention());
  reopen();
  const PartitionInfo info = store_->topic(topic)->partitions[1];
  EXPECT_EQ(info.begin, Offset{7});
  EXPECT_EQ(info.bytes, 3 * size);
  EXPECT_EQ(values_from(*store_, topic, 1, {7})->size(), 3U);
}

TEST_P(StoreTest, ListenersHearOfReadableRecordsAndDeletion) {
  const TopicId topic = create("a"), other = create("b");
  std::map<TopicId, std::uint64_t> seen;  // of what was readable when called
  const auto id = store_->listen([&](TopicId changed) {
    const auto info = store_->topic(changed);
    seen[changed] = info ? info->partitions[0].end.value : UINT64_MAX;
  });
  ASSERT_TRUE(store_->commit(append(topic, 0, {"x", "y"})));
  EXPECT_EQ(seen, (std::map<TopicId, std::uint64_t>{{topic, 2}}));
  Commit state_only;
  state_only.put.push_back({"k", "v"});
  ASSERT_TRUE(store_->commit(std::move(state_only)));
  EXPECT_EQ(seen.size(), 1U);
  ASSERT_TRUE(store_->delete_topic("b"));
  EXPECT_EQ(seen[other], UINT64_MAX);
  store_->unlisten(id);
  store_->unlisten(id);
  ASSERT_TRUE(store_->commit(append(topic, 0, {"z"})));
  EXPECT_EQ(seen[topic], 2U);
}

TEST_P(StoreTest, RefusesAfterCloseAndStillReads) {
  const TopicId topic = create("a");
  EXPECT_TRUE(store_->health());
  ASSERT_TRUE(store_->commit(append(topic, 0, {"x"})));
  store_->close();
  store_->close();
  EXPECT_EQ(code_of(store_->commit(append(topic, 0, {"y"}))), ErrorCode::kClosed);
  EXPECT_EQ(code_of(store_->create_topic({.name = "b"})), ErrorCode::kClosed);
  EXPECT_EQ(code_of(store_->set_retention("a", {})), ErrorCode::kClosed);
  EXPECT_EQ(code_of(store_->delete_topic("a")), ErrorCode::kClosed);
  EXPECT_EQ(code_of(store_->health()), ErrorCode::kClosed);
  EXPECT_EQ(values_from(*store_, topic, 0, {0})->size(), 1U);
}

TEST_P(StoreTest, CallbackMaySubmit) {
  const TopicId topic = create("a");
  std::promise<void> finished;
  std::atomic<int> left = 100;
  std::function<void(Result<CommitAck>)> again = [&](const Result<CommitAck>& ack) {
    ASSERT_TRUE(ack);
    if (--left == 0) return finished.set_value();
    store_->submit(request(topic, 0, {"x"}), again);
  };
  store_->submit(request(topic, 0, {"x"}), again);
  finished.get_future().wait();
  EXPECT_EQ(store_->topic(topic)->partitions[0].end, Offset{100});
}

TEST_P(StoreTest, ManyThreadsGetDenseOffsets) {
  constexpr int kThreads = 8, kCommits = 100;
  const TopicId topic = create("a");
  std::vector<std::vector<Offset>> offsets(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kCommits; ++i) {
          const std::string value = fmt::format("{}/{}", t, i);
          const auto ack = i % 2 == 0 ? store_->commit(append(topic, 0, {value}))
                                      : produce(*store_, request(topic, 0, {value}));
          if (ack) offsets[t].push_back(ack->base_offsets[0]);
        }
      });
    }
  }
  const auto values = *values_from(*store_, topic, 0, {0});
  ASSERT_EQ(values.size(), std::size_t{kThreads * kCommits});
  for (int t = 0; t < kThreads; ++t) {
    ASSERT_EQ(offsets[t].size(), std::size_t{kCommits});
    for (int i = 0; i < kCommits; ++i) {
      EXPECT_EQ(values[offsets[t][i].value], fmt::format("{}/{}", t, i));
    }
  }
  const Store::Stats stats = store_->stats();
  EXPECT_EQ(stats.commits, std::uint64_t{kThreads * kCommits});
  EXPECT_EQ(stats.records, std::uint64_t{kThreads * kCommits});
  EXPECT_EQ(std::accumulate(stats.commit_seconds.begin(), stats.commit_seconds.end(), 0U),
            stats.groups);
  EXPECT_GT(stats.commit_seconds_total, 0);
  EXPECT_EQ(stats.queue_bytes, 0U);
  if (GetParam() != BackEnd::kMemory) {
    EXPECT_GT(stats.fsyncs, 0U);
    EXPECT_LT(stats.fsyncs, stats.commits);  // a group shares one
  }
}

// ---- Random operations against a model so simple that it is plainly right.

struct ModelBatch {
  std::vector<std::string> values;
  Timestamp appended_at;
  std::uint64_t bytes = 0;
};

struct ModelPartition {
  std::uint64_t begin = 0, end = 0;
  std::vector<ModelBatch> batches;

  std::uint64_t bytes() const {
    std::uint64_t sum = 0;
    for (const ModelBatch& batch : batches) sum += batch.bytes;
    return sum;
  }
  std::vector<std::string> values() const {
    std::vector<std::string> all;
    for (const ModelBatch& batch : batches) {
      all.insert(all.end(), batch.values.begin(), batch.values.end());
    }
    return all;
  }
};

struct ModelTopic {
  TopicId id;
  TopicConfig config;
  std::vector<ModelPartition> partitions;
  std::map<std::string, std::uint64_t> producers;
};

struct Model {
  std::map<std::string, ModelTopic> topics;
  std::map<std::string, std::string> state;
  std::map<std::string, ProducerState> producers;  // over all topics
};

class RandomTest : public StoreTest {
 protected:
  // Thousands of commits, one at a time: quick only without fsync.
  RandomTest() : StoreTest(Durability::kNone) {}

  int pick(int end) { return std::uniform_int_distribution<int>(0, end - 1)(random_); }
  ModelTopic* some_topic() {
    if (model_.topics.empty()) return nullptr;
    return &std::next(model_.topics.begin(), pick(static_cast<int>(model_.topics.size())))->second;
  }

  void create_some() {
    TopicConfig config{.name = fmt::format("t{}", pick(4)),
                       .partitions = 1 + static_cast<std::uint32_t>(pick(3))};
    if (pick(2) == 0) config.retention_age = Duration{pick(5) * 1000};
    if (pick(2) == 0) config.retention_bytes = pick(2000);
    const auto created = store_->create_topic(config);
    ASSERT_EQ(created.has_value(), !model_.topics.contains(config.name));
    if (!created) return;
    model_.topics[config.name] = {
        created->id, config, std::vector<ModelPartition>(config.partitions), {}};
  }

  void delete_some() {
    const std::string name = fmt::format("t{}", pick(4));
    ASSERT_EQ(store_->delete_topic(name).has_value(), model_.topics.erase(name) == 1);
  }

  void commit_some() {
    Commit commit;
    Model after = model_;
    ModelTopic* stamped = nullptr;
    for (int i = pick(3); i > 0; --i) {
      ModelTopic* topic = some_topic();
      if (topic == nullptr) break;
      stamped = &after.topics[topic->config.name];
      const auto partition =
          static_cast<std::uint32_t>(pick(static_cast<int>(topic->config.partitions)));
      ModelBatch batch{.values = {}, .appended_at = clock_.now()};
      for (int n = 1 + pick(5); n > 0; --n) batch.values.push_back(std::to_string(++counter_));
      batch.bytes = batch_of(batch.values).encode(clock_.now()).size();
      commit.appends.push_back({topic->id, partition, batch_of(batch.values)});
      ModelPartition& into = stamped->partitions[partition];
      into.end += batch.values.size();
      into.batches.push_back(std::move(batch));
    }
    if (pick(4) == 0) return produce_over_topics(std::move(commit.appends), std::move(after));
    if (stamped != nullptr && pick(2) == 0) {
      const std::string producer = fmt::format("p{}", pick(3));
      std::uint64_t& next = stamped->producers[producer];
      const std::uint64_t first = next + static_cast<std::uint64_t>(pick(4) == 0);
      const bool valid = first == next;
      next += 2;
      const auto ack = produce(*store_, {.appends = std::move(commit.appends),
                                         .producer = {{stamped->id, producer, first, 2}}});
      ASSERT_EQ(code_of(ack), valid ? std::nullopt : std::optional(ErrorCode::kSequenceGap));
      if (valid) model_ = std::move(after);
      return;
    }
    for (int i = pick(2); i > 0; --i) {
      const KeyRange range{std::to_string(pick(20)), std::to_string(pick(20))};
      std::erase_if(after.state, [&](const auto& entry) {
        return entry.first >= range.begin && entry.first < range.end;
      });
      commit.erase.push_back(range);
    }
    for (int i = pick(4); i > 0; --i) {
      commit.put.push_back({std::to_string(pick(20)), std::to_string(++counter_)});
      after.state[commit.put.back().key] = commit.put.back().value;
    }
    ASSERT_EQ(code_of(store_->commit(std::move(commit))), std::nullopt);
    model_ = std::move(after);
  }

  void produce_over_topics(std::vector<Append> appends, Model after) {
    const std::string producer = fmt::format("p{}", pick(3));
    ProducerState& state = after.producers[producer];
    ProducerStamp stamp{.topic = kAllTopics,
                        .producer = producer,
                        .first_sequence = state.next_sequence + (pick(4) == 0 ? 1U : 0U),
                        .count = static_cast<std::uint64_t>(pick(3))};
    if (pick(2) == 0) stamp.position = fmt::format("after {}", ++counter_);
    const bool valid = stamp.first_sequence == state.next_sequence;
    state.next_sequence += stamp.count;
    if (stamp.position) state.position = stamp.position;
    const auto ack = produce(*store_, {.appends = std::move(appends), .producer = stamp});
    ASSERT_EQ(code_of(ack), valid ? std::nullopt : std::optional(ErrorCode::kSequenceGap));
    if (valid) model_ = std::move(after);
  }

  void forget_some() {
    const std::string producer = fmt::format("p{}", pick(3));
    ASSERT_TRUE(store_->forget_producer(kAllTopics, producer));
    model_.producers.erase(producer);
  }

  void retain() {
    ASSERT_TRUE(store_->apply_retention());
    for (auto& [name, topic] : model_.topics) {
      for (ModelPartition& partition : topic.partitions) {
        const auto must_go = [&](const ModelBatch& batch) {
          return (topic.config.retention_age &&
                  batch.appended_at + *topic.config.retention_age < clock_.now()) ||
                 (topic.config.retention_bytes &&
                  partition.bytes() > *topic.config.retention_bytes);
        };
        while (!partition.batches.empty() && must_go(partition.batches.front())) {
          partition.begin += partition.batches.front().values.size();
          partition.batches.erase(partition.batches.begin());
        }
      }
    }
  }

  void compare() {
    const auto topics = store_->topics();
    ASSERT_EQ(topics.size(), model_.topics.size());
    for (const TopicInfo& info : topics) {
      const ModelTopic& topic = model_.topics.at(info.config.name);
      ASSERT_EQ(info.id, topic.id);
      ASSERT_EQ(info.partitions.size(), topic.partitions.size());
      for (std::uint32_t p = 0; p < topic.partitions.size(); ++p) {
        const ModelPartition& expected = topic.partitions[p];
        const Offset begin = info.partitions[p].begin, end = info.partitions[p].end;
        if (GetParam() != BackEnd::kMemoryGaps) {
          ASSERT_EQ(begin.value, expected.begin);
          ASSERT_EQ(end.value, expected.end);
        }
        ASSERT_EQ(info.partitions[p].bytes, expected.bytes());
        const auto bytes_max = static_cast<std::size_t>(pick(2000));
        const std::vector<std::string> values = expected.values();
        ASSERT_EQ(*values_from(*store_, info.id, p, begin, bytes_max), values);
        // From any offset on, of a record or not, there is a tail of it.
        const Offset from{begin.value + static_cast<std::uint64_t>(
                                            pick(static_cast<int>(end.value - begin.value) + 1))};
        const std::vector<std::string> tail = *values_from(*store_, info.id, p, from, bytes_max);
        ASSERT_LE(tail.size(), values.size());
        ASSERT_TRUE(std::equal(tail.rbegin(), tail.rend(), values.rbegin()));
      }
      for (const auto& [producer, next] : topic.producers) {
        ASSERT_EQ(store_->producer(info.id, producer)->next_sequence, next);
      }
    }
    std::map<std::string, ProducerState> with_position;
    for (const auto& [producer, expected] : model_.producers) {
      ASSERT_EQ(*store_->producer(kAllTopics, producer), expected);
      if (expected.position) with_position.emplace(producer, expected);
    }
    std::map<std::string, ProducerState> listed;
    const std::vector<NamedProducer> all = store_->positions().value();
    for (const NamedProducer& entry : all) listed.emplace(entry.producer, entry.state);
    ASSERT_EQ(listed, with_position);
    std::map<std::string, std::string> state;
    const std::vector<KeyValue> entries = scan_all(*store_, {"", "~"});
    for (const KeyValue& entry : entries) state[entry.key] = entry.value;
    ASSERT_EQ(state, model_.state);
  }

  std::mt19937 random_;
  Model model_;
  int counter_ = 0;
};

INSTANTIATE_TEST_SUITE_P(BackEnds, RandomTest,
                         ::testing::Values(BackEnd::kMemory, BackEnd::kMemoryGaps,
                                           BackEnd::kRocksdb, BackEnd::kRocksdbNoCache));

TEST_P(RandomTest, AgreesWithTheModel) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE(seed);
    random_.seed(seed);
    for (int step = 0; step < 150; ++step) {
      SCOPED_TRACE(step);
      const int kind = pick(20);
      if (kind < 2) {
        create_some();
      } else if (kind < 3 && pick(3) == 0) {
        delete_some();
      } else if (kind < 4 && pick(3) == 0) {
        forget_some();
      } else if (kind < 5) {
        clock_.advance({pick(1500)});
        retain();
      } else if (kind < 6 && pick(5) == 0) {
        reopen();
        clock_.advance(kHour);  // until ages count to the full again
      } else {
        commit_some();
      }
      if (HasFatalFailure()) return;
      if (step % 5 == 0) compare();
      if (HasFatalFailure()) return;
    }
  }
}

TEST(MemoryStore, MakesGapsOnDemand) {
  const ManualClock clock(kStart);
  const auto offsets_of = [&](std::uint32_t seed) {
    const auto store = make_memory_store(clock, {.gaps = seed});
    const TopicId topic = store->create_topic({.name = "a", .partitions = 2}).value().id;
    for (int i = 0; i < 50; ++i) {
      Commit commit = append(topic, 0, {"x", "y", "z"});
      commit.appends.push_back({topic, 0, batch_of({"v", "w"})});
      EXPECT_TRUE(store->commit(std::move(commit)));
    }
    EXPECT_EQ(store->topic(topic)->partitions[1].end, Offset{0});
    std::vector<std::uint64_t> offsets;
    const ReadResult all = *store->read(topic, 0, {0}, SIZE_MAX);
    EXPECT_GT(all.next, all.batches.back()->offset(all.batches.back()->size() - 1));
    EXPECT_TRUE(all.at_end);
    for (const BatchPtr& batch : all.batches) {
      for (std::size_t i = 0; i < batch->size(); ++i) offsets.push_back(batch->offset(i).value);
    }
    EXPECT_EQ(offsets.size(), 250U);
    return offsets;
  };
  const std::vector<std::uint64_t> offsets = offsets_of(1);
  EXPECT_EQ(offsets, offsets_of(1));
  EXPECT_NE(offsets, offsets_of(2));
  std::uint64_t markers = 0, holes = 0, longest = 0;
  for (std::size_t i = 1; i < offsets.size(); ++i) {
    const std::uint64_t gap = offsets[i] - offsets[i - 1] - 1;
    longest = std::max(longest, gap);
    if (i % 5 == 0) {
      EXPECT_GE(gap, 1U) << "between two commits";
      ++markers;
    } else if (i % 5 != 3 && gap > 0) {
      ++holes;  // inside a batch
    }
  }
  EXPECT_EQ(markers, 49U);
  EXPECT_GT(holes, 0U);
  EXPECT_GT(longest, 100U);
}

TEST(MemoryStore, FailsOnDemand) {
  const ManualClock clock(kStart);
  const auto store = make_memory_store(clock);
  const TopicId topic = store->create_topic({.name = "a"}).value().id;
  store->fail_next_commits(2, ErrorCode::kDiskFull);
  EXPECT_EQ(code_of(store->health()), ErrorCode::kDiskFull);
  EXPECT_EQ(code_of(store->commit(append(topic, 0, {"x"}))), ErrorCode::kDiskFull);
  EXPECT_EQ(code_of(store->commit(append(topic, 0, {"x"}))), ErrorCode::kDiskFull);
  EXPECT_TRUE(store->health());
  EXPECT_EQ(store->commit(append(topic, 0, {"x"}))->base_offsets[0], Offset{0});
}

}  // namespace
}  // namespace gameflow::log
