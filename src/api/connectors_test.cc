#include "api/connectors.h"

#include <memory>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "log/memory/memory_store.h"
#include "record/batch.h"

namespace gameflow::api {
namespace {

class ConnectorsTest : public testing::Test {
 protected:
  static ConnectorReport report(std::string direction, std::string state) {
    return {.type = "any", .direction = std::move(direction), .state = std::move(state)};
  }
  void store_position(const std::string& producer, const std::string& position) {
    const std::uint64_t next = store_->producer(log::kAllTopics, producer)->next_sequence;
    store_->submit({.appends = {}, .producer = {{log::kAllTopics, producer, next, 0, position}}},
                   [](const Result<log::CommitAck>& ack) { EXPECT_TRUE(ack); });
  }
  void append(const std::string& topic, std::uint32_t partition, int count) {
    log::Commit commit;
    record::BatchBuilder batch;
    for (int i = 0; i < count; ++i) batch.add({}, std::nullopt, "1");
    commit.appends.push_back({store_->topic(topic)->id, partition, std::move(batch)});
    EXPECT_TRUE(store_->commit(std::move(commit)));
  }
  // "name:state:lag" of all.
  std::string all() const {
    std::string text;
    for (const Connector& connector : connectors_.list()) {
      if (!text.empty()) text += ' ';
      text += fmt::format("{}:{}:{}", connector.name, connector.state,
                          connector.lag ? std::to_string(*connector.lag) : "-");
    }
    return text;
  }

  ManualClock clock_{Timestamp{1'000'000}};
  std::unique_ptr<log::MemoryStore> store_ = log::make_memory_store(clock_);
  Connectors connectors_{*store_, clock_};
};

TEST_F(ConnectorsTest, RatesAreThoseBetweenReports) {
  struct Step {
    std::int64_t after_ms;
    std::uint64_t records, pid;
    double rate;
  };
  const Step steps[] = {
      {0, 100, 1, 0},        // what was before nobody knows
      {2'000, 300, 1, 100},  //
      {200, 310, 1, 100},    // too soon
      {1'800, 320, 1, 10},   //
      {2'000, 320, 1, 0},    //
      {2'000, 50, 2, 0},     // another process
      {2'000, 54, 2, 2},
  };
  for (const Step& step : steps) {
    clock_.advance({step.after_ms});
    ConnectorReport made = report("source", "running");
    made.records = step.records;
    made.pid = step.pid;
    EXPECT_TRUE(connectors_.report("c", made));
    EXPECT_EQ(connectors_.find("c")->records_per_second, step.rate) << step.records;
  }
  clock_.advance({15'000});
  EXPECT_FALSE(connectors_.find("c")->records_per_second);
}

TEST_F(ConnectorsTest, StatesAreTheReportedOnesWhileThereAreReports) {
  EXPECT_EQ(all(), "");
  EXPECT_TRUE(connectors_.report("b", report("source", "running")));
  EXPECT_TRUE(connectors_.report("a", report("source", "failed")));
  store_position("connector/c", "after 1");
  store_position("another producer", "after 1");
  EXPECT_EQ(all(), "a:failed:- b:running:- c:not running:-");
  clock_.advance({14'999});
  EXPECT_EQ(all(), "a:failed:- b:running:- c:not running:-");
  clock_.advance({1});
  EXPECT_EQ(all(), "a:failed:- b:lost:- c:not running:-");
  EXPECT_FALSE(connectors_.find("b")->is_up());
  EXPECT_TRUE(connectors_.report("b", report("source", "retrying")));
  EXPECT_EQ(connectors_.find("b")->state, "retrying");
  EXPECT_EQ(connectors_.find("c")->stored.position, "after 1");
  EXPECT_FALSE(connectors_.find("d"));
  EXPECT_FALSE(connectors_.report("a/b", report("source", "running")));
}

TEST_F(ConnectorsTest, LagOfASinkIsWhatIsBehindItsPosition) {
  ASSERT_TRUE(store_->create_topic({.name = "t", .partitions = 2}));
  append("t", 0, 10);
  append("t", 1, 5);
  ConnectorReport sink = report("sink", "running");
  sink.lag = 99;
  EXPECT_TRUE(connectors_.report("s", sink));
  EXPECT_EQ(all(), "s:running:99") << "nothing is stored yet";
  store_position("connector/s", R"({"t/0":4,"t/1":5,"gone/0":7,"t/9":1})");
  EXPECT_EQ(all(), "s:running:6");
  append("t", 1, 3);
  EXPECT_EQ(all(), "s:running:9");
  clock_.advance({60'000});
  EXPECT_EQ(all(), "s:lost:9");
  for (const char* other : {"[1]", "{}", "text", R"({"t":1})", R"({"t/x":1})", R"({"t/0":"1"})"}) {
    store_position("connector/s", other);
    EXPECT_EQ(all(), "s:lost:99") << other;
  }
  // A source may have any position.
  ConnectorReport source = report("source", "running");
  EXPECT_TRUE(connectors_.report("s", source));
  store_position("connector/s", R"({"t/0":4})");
  EXPECT_EQ(all(), "s:running:-");
}

TEST_F(ConnectorsTest, ForgottenOnceItDoesNotReport) {
  using Forgotten = Connectors::Forgotten;
  EXPECT_EQ(*connectors_.forget("a"), Forgotten::kUnknown);
  store_position("connector/a", "after 1");
  EXPECT_TRUE(connectors_.report("a", report("source", "retrying")));
  EXPECT_EQ(*connectors_.forget("a"), Forgotten::kStillReports);
  clock_.advance(kReportAgeMax);
  EXPECT_EQ(*connectors_.forget("a"), Forgotten::kDone);
  EXPECT_EQ(all(), "");
  EXPECT_EQ(*store_->producer(log::kAllTopics, "connector/a"), log::ProducerState{});
  for (const char* final : {"stopped", "failed"}) {
    EXPECT_TRUE(connectors_.report("a", report("source", final)));
    EXPECT_EQ(*connectors_.forget("a"), Forgotten::kDone);
  }
  store_position("connector/b", "after 1");
  EXPECT_EQ(*connectors_.forget("b"), Forgotten::kDone);
}

TEST_F(ConnectorsTest, ThereAreOnlySoMany) {
  for (std::size_t i = 0; i < kConnectorsMax; ++i)
    ASSERT_TRUE(connectors_.report(fmt::format("c{}", i), report("source", "running")));
  EXPECT_FALSE(connectors_.report("more", report("source", "running")));
  EXPECT_TRUE(connectors_.report("c7", report("source", "stopped")));
  clock_.advance(kReportAgeMax);
  EXPECT_TRUE(connectors_.report("more", report("source", "running"))) << "in place of a lost one";
  EXPECT_EQ(connectors_.list().size(), kConnectorsMax);
}

}  // namespace
}  // namespace gameflow::api
