// Topics in SQL, as the store has them.
#include "api/topic_tables.h"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "api/api.h"
#include "api/fake_engine.h"
#include "log/memory/memory_store.h"

namespace gameflow::api {
namespace {

// With and without gaps between offsets.
class TopicTablesTest : public testing::TestWithParam<bool> {
 protected:
  TopicTablesTest() {
    const auto created = store_->create_topic({.name = "players", .partitions = 4});
    id_ = created->id;
  }

  // A batch of players with numbers [from, to), stamped `ahead` of the clock.
  void add(int from, int to, std::int64_t ahead = 0) {
    log::Commit commit;
    log::Append& append = commit.appends.emplace_back(log::Append{id_, 0, {}});
    for (int i = from; i < to; ++i) {
      append.batch.add({clock_.now().ms + ahead}, "k",
                       fmt::format(R"({{"user":{{"id":"u{}"}},"number":{}}})", i, i));
    }
    ASSERT_TRUE(store_->commit(std::move(commit)));
  }
  std::string ask(const std::string& sql) {
    const auto answer = api_.sql(sql, {});
    if (!answer) return answer.error().message;
    std::string out;
    for (const auto& row : answer->rows)
      for (const query::Value& value : row)
        out += (out.empty() ? "" : ",") + std::to_string(std::get<std::int64_t>(value));
    return out;
  }

  ManualClock clock_{Timestamp{1'000'000}};
  std::unique_ptr<log::MemoryStore> store_ = log::make_memory_store(
      clock_, {.gaps = GetParam() ? std::optional<std::uint32_t>(7) : std::nullopt});
  log::TopicId id_;
  FakeEngine engine_;
  Api api_{*store_, &engine_, clock_};
};

// The state of that name comes first.
TEST_P(TopicTablesTest, FoundByTime) {
  for (int i = 0; i < 20; ++i) {
    add(i * 10, i * 10 + 10);
    clock_.advance({1'000});
  }
  EXPECT_EQ(ask("select count(*), min(number), max(number) from topic__players"), "200,0,199");
  EXPECT_EQ(ask("select count(*), min(number), max(number) from topic__players "
                "where _time >= 1005000 and _time < 1007000"),
            "20,50,69");
  EXPECT_EQ(ask("select count(*) from topic__players where _time > 1019000"), "0");
  EXPECT_EQ(ask("select count(*) from topic__players where _time = 1000000"), "10");
}

TEST_P(TopicTablesTest, TimesThatAreNotThoseOfTheAppend) {
  add(0, 10);
  clock_.advance({60'000});
  add(10, 20, -50'000);  // 1010000: replayed
  clock_.advance({60'000});
  add(20, 30, 30'000);  // 1150000: ahead
  clock_.advance({60'000});
  add(30, 40);
  EXPECT_EQ(ask("select min(number), max(number) from topic__players where _time between 1005000 "
                "and 1020000"),
            "10,19");
  EXPECT_EQ(ask("select min(number), max(number) from topic__players where _time = 1150000"),
            "20,29");
  EXPECT_EQ(ask("select count(*) from topic__players where _time >= 1150000"), "20");
}

TEST_P(TopicTablesTest, TheLastOnes) {
  for (int i = 0; i < 50; ++i) add(i * 3, i * 3 + 3);
  EXPECT_EQ(ask("select number from topic__players where _partition = 0 order by _offset desc "
                "limit 5"),
            "149,148,147,146,145");
  EXPECT_EQ(ask("select count(*) from (select 1 from topic__players order by _partition desc, "
                "_offset desc)"),
            "150");
}

TEST_P(TopicTablesTest, TopicsWithoutSchemaAreNone) {
  EXPECT_EQ(ask("select * from late"),
            "no such table: late; the tables are: players, scores, _metrics, _progress, "
            "dead-letters, dead_letters, summaries, topic__players");
}

TEST_P(TopicTablesTest, DeadLettersNeedNoSchema) {
  log::Commit commit;
  const auto created = store_->create_topic({.name = "dead-letters", .partitions = 1});
  log::Append& append = commit.appends.emplace_back(log::Append{created->id, 0, {}});
  append.batch.add(clock_.now(), std::nullopt,
                   R"({"service":"s","operator":"decode","code":"wrong_type","topic":"players",)"
                   R"("offset":17,"value":"{}"})");
  append.batch.add(clock_.now(), std::nullopt, R"({"service":"s","operator":"flush","code":"x"})");
  append.batch.add(clock_.now(), std::nullopt, R"("no letter")");
  ASSERT_TRUE(store_->commit(std::move(commit)));
  EXPECT_EQ(ask("select count(*), sum(code = 'wrong_type'), max(offset) from dead_letters"),
            "2,1,17");
  EXPECT_EQ(ask("select count(*) from \"dead-letters\" where topic is null"), "1");
}

TEST_P(TopicTablesTest, Metrics) {
  add(0, 10);
  EXPECT_EQ(ask("select count(*) from _metrics where name = 'gameflow_store_up' and value = 1"),
            "1");
  EXPECT_EQ(ask("select value >= 10 from _metrics where name = "
                "'gameflow_topic_end_offset' and labels ->> 'topic' = 'players' and "
                "labels ->> 'partition' = '0'"),
            "1");
  EXPECT_EQ(ask("select count(*) from (select name, labels from _metrics group by 1, 2 having "
                "count(*) > 1)"),
            "0");
  EXPECT_EQ(ask("select count(*) > 20 from (select * from _metrics order by _offset desc)"), "1");
  EXPECT_EQ(ask("select count(*) from _metrics where _offset = 3"), "1");
  EXPECT_EQ(ask("select count(*) > 20 from _metrics where _offset > 5"), "1");
  // It is another at each look, so who follows it is told.
  EXPECT_TRUE(api_.sql("select count(*) from _metrics", {})->uses.clock);
  EXPECT_FALSE(api_.sql("select count(*) from scores", {})->uses.clock);
}

TEST_P(TopicTablesTest, ADeletedTopic) {
  ASSERT_TRUE(store_->delete_topic("players"));
  EXPECT_EQ(ask("select * from topic__players"), "topic 'players' does not exist");
}

INSTANTIATE_TEST_SUITE_P(Gaps, TopicTablesTest, testing::Bool(),
                         [](const auto& test) { return test.param ? "Gaps" : "NoGaps"; });

}  // namespace
}  // namespace gameflow::api
