// Ids of records, on both back ends.
#include "log/ids.h"

#include <future>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "log/memory/memory_store.h"
#include "log/rocksdb/database.h"
#include "log/rocksdb/rocksdb_store.h"
#include "log/test_util.h"

namespace gameflow::log {
namespace {

constexpr Timestamp kStart{1'700'000'000'000};
constexpr Duration kMinute{60'000}, kHour{60 * 60'000}, kDay{24 * 60 * 60'000};

// "id=content": a record with an id; without '=' it has none. "a+b=content" has two ids.
struct Item {
  std::string text;
  std::optional<Duration> within = kDay;
};

enum class BackEnd { kMemory, kMemoryGaps, kRocksdb };

class IdsTest : public ::testing::TestWithParam<BackEnd> {
 protected:
  IdsTest() { open(); }

  void open() {
    if (GetParam() != BackEnd::kRocksdb) {
      store_ = make_memory_store(
          clock_, GetParam() == BackEnd::kMemoryGaps ? MemoryOptions{.gaps = 7} : MemoryOptions{});
      return;
    }
    auto opened = open_rocksdb_store(test_options(folder_.path(), clock_));
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = *std::move(opened);
  }
  void reopen() {
    if (GetParam() != BackEnd::kRocksdb) return;
    store_.reset();
    open();
  }
  TopicId create(const std::string& name, std::optional<Duration> age = {}) {
    return store_->create_topic({.name = name, .partitions = 2, .retention_age = age}).value().id;
  }

  static Append append_of(TopicId topic, std::uint32_t partition, const std::vector<Item>& items) {
    Append append{topic, partition, {}};
    std::uint32_t record = 0;
    for (const auto& [text, within] : items) {
      append.batch.add(kStart, "key of " + text, text);
      const std::size_t equals = text.find('=');
      std::string_view ids = std::string_view(text).substr(0, equals);
      while (equals != std::string::npos && !ids.empty()) {
        const std::size_t plus = std::min(ids.find('+'), ids.size());
        append.ids.push_back({.record = record,
                              .id = digest_of(ids.substr(0, plus)),
                              .content = digest_of(text.substr(equals)),
                              .within = within,
                              .tag = record});
        ids.remove_prefix(std::min(plus + 1, ids.size()));
      }
      ++record;
    }
    return append;
  }

  // What became of each record, a letter each: "a" appended, "d" duplicate, "c" clash.
  std::string send(std::vector<Append> appends, std::optional<ProducerStamp> stamp = {}) {
    std::string outcome;
    std::vector<std::size_t> begins;
    for (const Append& append : appends) {
      begins.push_back(outcome.size());
      outcome.append(append.batch.size(), 'a');
    }
    // Tags count over the request.
    for (std::size_t i = 0; i < appends.size(); ++i) {
      for (IdClaim& claim : appends[i].ids) claim.tag += begins[i];
    }
    ProduceRequest request{.appends = std::move(appends), .producer = std::move(stamp)};
    if (letters_) {
      request.letters = {*letters_, [](const Repeated& clash, const record::RecordView& record) {
                           return fmt::format(
                               "{} {}", record.value,
                               clash.first ? std::to_string(clash.first->offset.value) : "here");
                         }};
    }
    const auto ack = produce(*store_, std::move(request));
    if (!ack) return std::string(to_string(ack.error().code));
    for (const Repeated& repeated : ack->repeated)
      outcome[repeated.tag] = repeated.is_clash ? 'c' : 'd';
    return outcome;
  }
  std::string send(TopicId topic, const std::vector<Item>& items) {
    std::vector<Append> appends;
    appends.push_back(append_of(topic, 0, items));
    return send(std::move(appends));
  }
  std::vector<std::string> values(TopicId topic, std::uint32_t partition = 0) {
    return *values_from(*store_, topic, partition, store_->partition(topic, partition)->begin);
  }

  TempFolder folder_;
  ManualClock clock_{kStart};
  std::unique_ptr<Store> store_;
  std::optional<TopicId> letters_;
};

INSTANTIATE_TEST_SUITE_P(BackEnds, IdsTest,
                         ::testing::Values(BackEnd::kMemory, BackEnd::kMemoryGaps,
                                           BackEnd::kRocksdb));

using Texts = std::vector<std::string>;

TEST_P(IdsTest, ARecordIsAppendedOnce) {
  const TopicId topic = create("a"), other = create("b");
  struct Row {
    const char* what;
    std::vector<Item> items;
    const char* outcome;
  };
  const Row rows[] = {
      {"two ids, and a record without", {{"x=1"}, {"y=1"}, {"plain"}}, "aaa"},
      {"all of it again", {{"x=1"}, {"y=1"}, {"plain"}}, "dda"},
      {"one of them with other content", {{"x=2"}, {"z=1"}}, "ca"},
      {"a clash is told once", {{"x=2"}, {"x=3"}}, "dc"},
      {"twice in one request", {{"w=1"}, {"w=1"}, {"w=2"}, {"w=2"}}, "adcd"},
      {"two ids, both new", {{"p+q=1"}}, "a"},
      {"one of two is known", {{"p+r=1"}}, "d"},
      {"so the other one is not taken", {{"r=5"}}, "a"},
      {"a clash counts more", {{"x+z=1"}, {"q+w=1"}, {"q+y=2"}}, "ddc"},
      {"a clash of both ids", {{"p+q=3"}}, "c"},
      {"is told once, too", {{"p+q=3"}, {"q+p=3"}}, "dd"},
      {"nothing but repeats", {{"x=1"}}, "d"},
  };
  for (const Row& row : rows) EXPECT_EQ(send(topic, row.items), row.outcome) << row.what;
  EXPECT_EQ(send(other, {{"x=2"}}), "a") << "ids are of a topic";
  for (int round = 0; round < 2; ++round, reopen()) {
    EXPECT_EQ(values(topic), (Texts{"x=1", "y=1", "plain", "plain", "z=1", "w=1", "p+q=1", "r=5"}));
    EXPECT_EQ(values(other), Texts{"x=2"});
    EXPECT_EQ(send(topic, {{"x=1"}, {"x=2"}, {"w=2"}, {"r=5"}}), "dddd");
  }
  const ReadResult read = *store_->read(topic, 0, {store_->partition(topic, 0)->begin}, 1U << 20);
  EXPECT_EQ(read.batches[0]->key(1), "key of y=1");
}

TEST_P(IdsTest, ClashesBecomeLettersInTheSameCommit) {
  const TopicId topic = create("a");
  letters_ = create("letters");
  std::vector<Append> appends;
  appends.push_back(append_of(topic, 0, {{"p"}, {"x=1"}}));
  appends.push_back(append_of(topic, 1, {{"x=2"}, {"y=1"}, {"x=1"}}));
  EXPECT_EQ(send(std::move(appends)), "aacad");
  EXPECT_EQ(values(topic, 1), Texts{"y=1"});
  EXPECT_EQ(values(*letters_), Texts{"x=2 here"});
  EXPECT_EQ(send(topic, {{"y=9"}}), "c");
  const std::uint64_t offset = store_->partition(topic, 1)->begin.value;
  EXPECT_EQ(values(*letters_).size(), 2U);
  const Offset first = store_->read(topic, 1, {offset}, 1)->batches[0]->offset(0);
  EXPECT_EQ(values(*letters_)[1], fmt::format("y=9 {}", first.value));
  for (int round = 0; round < 2; ++round, reopen()) {
    EXPECT_EQ(send(topic, {{"x=2"}, {"y=9"}}), "dd");
    EXPECT_EQ(values(*letters_).size(), 2U);
  }
  ASSERT_TRUE(store_->delete_topic("letters"));
  EXPECT_EQ(send(topic, {{"x=7"}}), "topic_not_found");
}

TEST_P(IdsTest, IdsAreForgotten) {
  const TopicId topic = create("a", kDay);
  EXPECT_EQ(send(topic, {{"hour=1", kHour}, {"kept=1", std::nullopt}}), "aa");
  clock_.advance({kHour.ms - 1});
  EXPECT_EQ(send(topic, {{"hour=1", kHour}, {"kept=1", std::nullopt}}), "dd");
  clock_.advance({1});
  ASSERT_TRUE(store_->apply_retention());
  EXPECT_EQ(send(topic, {{"hour=2", kHour}, {"kept=1", std::nullopt}}), "ad");
  clock_.advance(kDay);
  EXPECT_EQ(send(topic, {{"kept=2", std::nullopt}}), "c") << "retention has not run";
  ASSERT_TRUE(store_->apply_retention());
  EXPECT_EQ(values(topic), Texts{"hour=2"});
  EXPECT_EQ(send(topic, {{"kept=2", std::nullopt}}), "a");
  EXPECT_EQ(send(topic, {{"kept=1", std::nullopt}}), "c");
}

// Behind a long stop, ages begin where the store was left, and follow the clock after an hour.
TEST_P(IdsTest, IdsAreKnownForTheirTimeAfterALongStop) {
  if (GetParam() != BackEnd::kRocksdb) GTEST_SKIP() << "it keeps nothing";
  const TopicId topic = create("a");
  EXPECT_EQ(send(topic, {{"before=1"}}), "a");
  store_.reset();
  clock_.advance({3 * kDay.ms});
  open();
  EXPECT_EQ(send(topic, {{"x=1"}}), "a");
  clock_.advance({2 * kHour.ms});
  EXPECT_EQ(send(topic, {{"x=1"}, {"before=2"}}), "da");
  clock_.advance(kDay);
  EXPECT_EQ(send(topic, {{"x=2"}}), "a");
}

TEST_P(IdsTest, ARefusedRequestTakesNoId) {
  const TopicId topic = create("a");
  std::vector<Append> appends;
  appends.push_back(append_of(topic, 0, {{"x=1"}}));
  EXPECT_EQ(send(std::move(appends), ProducerStamp{topic, "p", 5, 1}), "sequence_gap");
  EXPECT_EQ(send(topic, {{"x=2"}}), "a");
}

TEST_P(IdsTest, OneOfManyWinsAtTheSameTime) {
  constexpr int kThreads = 4, kRounds = 50;
  const TopicId topic = create("a");
  std::vector<std::string> outcomes(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kRounds; ++i)
          outcomes[t] += send(topic, {{fmt::format("x{}=1", i)}, {fmt::format("y{}={}", i, t)}});
      });
    }
  }
  std::map<char, int> counts;
  for (const std::string& outcome : outcomes) {
    for (const char c : outcome) ++counts[c];
  }
  EXPECT_EQ(counts['a'], 2 * kRounds);
  EXPECT_EQ(counts['d'], (kThreads - 1) * kRounds);
  EXPECT_EQ(counts['c'], (kThreads - 1) * kRounds);
  EXPECT_EQ(values(topic).size(), std::size_t{2 * kRounds});
}

TEST_P(IdsTest, ManyIdsInOneRequest) {
  const TopicId topic = create("a");
  std::vector<Item> items;
  for (int i = 0; i < 100'000; ++i) items.push_back({fmt::format("id{}=1", i)});
  EXPECT_EQ(send(topic, items), std::string(100'000, 'a'));
  EXPECT_EQ(send(topic, items), std::string(100'000, 'd'));
  EXPECT_EQ(values(topic).size(), 100'000U);
}

TEST_P(IdsTest, AgreeWithAModel) {
  std::mt19937 random(1);
  const auto pick = [&](int end) { return std::uniform_int_distribution(0, end - 1)(random); };
  letters_ = create("letters");
  const TopicId topic = create("a");
  std::map<std::string, std::string> taken;
  std::set<std::string> told;
  std::vector<std::string> expected[2];
  for (int step = 0; step < 300; ++step) {
    std::vector<Append> appends;
    std::string outcome;
    for (int part = pick(3); part >= 0; --part) {
      std::vector<Item> items;
      const auto partition = static_cast<std::uint32_t>(pick(2));
      for (int n = 1 + pick(4); n > 0; --n) {
        const std::string id = std::to_string(pick(200)), content = std::to_string(pick(3));
        const std::string text = id + "=" + content;
        items.push_back({text});
        const auto [found, is_new] = taken.try_emplace(id, content);
        if (is_new) expected[partition].push_back(text);
        outcome += is_new ? 'a' : found->second == content || !told.insert(text).second ? 'd' : 'c';
      }
      appends.push_back(append_of(topic, partition, items));
    }
    ASSERT_EQ(send(std::move(appends)), outcome) << step;
    if (pick(50) == 0) reopen();
  }
  for (std::uint32_t partition = 0; partition < 2; ++partition)
    EXPECT_EQ(values(topic, partition), expected[partition]);
  EXPECT_EQ(values(*letters_).size(), told.size());
}

// What is stored of ids.
std::size_t stored_ids(const std::filesystem::path& folder) {
  const auto database = Database::open(folder).value();
  const std::unique_ptr<rocksdb::Iterator> at(
      database->db().NewIterator(rocksdb::ReadOptions(), database->ids()));
  std::size_t count = 0;
  for (at->SeekToFirst(); at->Valid(); at->Next()) ++count;
  return count;
}

// A compaction of all that there is, with the ids that are forgotten by `horizon`.
void compact(const std::filesystem::path& folder, IdExpiry::Horizon horizon) {
  const auto database = Database::open(folder).value();
  database->id_expiry().set(std::move(horizon));
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  ASSERT_TRUE(database->db().CompactRange(options, database->ids(), nullptr, nullptr).ok());
}

TEST(StoredIds, GoWithCompaction) {
  const TempFolder folder;
  ManualClock clock(kStart);
  TopicId topic;
  {
    const auto store = *open_rocksdb_store(test_options(folder.path(), clock));
    topic = store->create_topic({.name = "a"})->id;
    Append append{topic, 0, batch_of({"1", "2", "3"})};
    for (std::uint32_t i = 0; i < 3; ++i) {
      append.ids.push_back({.record = i,
                            .id = digest_of(std::to_string(i)),
                            .content = {},
                            .within = i == 0 ? std::optional(kHour) : std::nullopt});
    }
    ProduceRequest request{.appends = {}, .producer = {}};
    request.appends.push_back(std::move(append));
    ASSERT_TRUE(produce(*store, std::move(request)));
  }
  struct Row {
    const char* what;
    IdExpiry::Horizon horizon;
    std::size_t left;
  };
  const TopicId next{topic.value + 1};
  const Row rows[] = {
      {"nothing is forgotten", {kStart, next, {{topic, {{0}}}}}, 3},
      {"one by time", {kStart + kHour, next, {{topic, {{0}}}}}, 2},
      {"one by retention", {kStart + kHour, next, {{topic, {{2}}}}}, 1},
      {"of a topic that came since", {kStart + kDay, topic, {}}, 1},
      {"of a topic that is gone", {kStart + kDay, next, {}}, 0},
  };
  for (const Row& row : rows) {
    compact(folder.path(), row.horizon);
    EXPECT_EQ(stored_ids(folder.path()), row.left) << row.what;
  }
}

}  // namespace
}  // namespace gameflow::log
