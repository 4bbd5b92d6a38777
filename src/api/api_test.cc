#include "api/api.h"

#include <memory>

#include <gtest/gtest.h>

#include "api/fake_engine.h"
#include "log/memory/memory_store.h"

namespace gameflow::api {
namespace {

class ApiTest : public testing::Test {
 protected:
  ApiTest() {
    for (const char* name : {"players", "summaries", "late", "dead-letters"})
      EXPECT_TRUE(store_->create_topic({.name = name}));
  }

  ManualClock clock_{Timestamp{0}};
  std::unique_ptr<log::MemoryStore> store_ = log::make_memory_store(clock_);
  FakeEngine engine_;
  Api api_{*store_, &engine_, clock_};
};

TEST_F(ApiTest, TopicsHaveTheNamesOfTheirTypes) {
  EXPECT_EQ(api_.topic("players")->type, "player-event");
  EXPECT_EQ(api_.topic("summaries")->type, "player-summary");
  EXPECT_EQ(api_.topic("late")->type, "");
  EXPECT_EQ(api_.topics().size(), 4u);
  EXPECT_EQ(api_.topic("sumaries").error().message,
            "there is no topic 'sumaries'; did you mean 'summaries'?");
}

TEST_F(ApiTest, CreateAndDelete) {
  const auto made = api_.create_topic({.name = "extra", .partitions = 2});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->info.partitions.size(), 2u);
  EXPECT_EQ(api_.create_topic({.name = "extra"}).error().code, ErrorCode::kTopicExists);
  EXPECT_EQ(api_.create_topic({.name = "no/name"}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(api_.delete_topic("extra"));
  EXPECT_EQ(api_.delete_topic("extra").error().code, ErrorCode::kTopicNotFound);
}

TEST_F(ApiTest, TopicsOfTheDataflowStay) {
  for (const char* name : {"players", "summaries", "late", "dead-letters"}) {
    const Status status = api_.delete_topic(name);
    ASSERT_FALSE(status) << name;
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument) << name;
  }
  Api without(*store_, nullptr, clock_);
  EXPECT_TRUE(without.delete_topic("late"));
}

TEST_F(ApiTest, Read) {
  EXPECT_TRUE(api_.read("late", 0, {}, 1000)->batches.empty());
  EXPECT_EQ(api_.read("late", 1, {}, 1000).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(api_.read("nope", 0, {}, 1000).error().code, ErrorCode::kTopicNotFound);
}

TEST_F(ApiTest, ReadyWhenStoreAndEngineAre) {
  EXPECT_TRUE(api_.ready());
  engine_.health_ = fail(ErrorCode::kDiskFull, "no space");
  EXPECT_EQ(api_.ready().error().code, ErrorCode::kDiskFull);
  engine_.health_ = {};
  store_->close();
  EXPECT_EQ(api_.ready().error().code, ErrorCode::kClosed);
}

}  // namespace
}  // namespace gameflow::api
