#include "live/live.h"

#include <atomic>

#include <gtest/gtest.h>

#include "api/fake_engine.h"
#include "base/time.h"
#include "log/memory/memory_store.h"

namespace gameflow::live {
namespace {

using namespace std::chrono_literals;

template <class Condition>
bool wait_until(Condition&& condition) {
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

class LiveTest : public ::testing::Test {
 protected:
  LiveTest() { engine.add("players", "ann", {3, {}}); }

  std::unique_ptr<Follower> follow(std::string sql, std::chrono::milliseconds every = 100ms,
                                   std::string_view version = {}) {
    Question question{.sql = std::move(sql), .parameters = {}, .key = {}, .rows_max = 100};
    auto follower = live.follow(std::move(question), every, version, [this] { ++calls; });
    EXPECT_TRUE(follower) << follower.error().message;
    return follower ? std::move(*follower) : nullptr;
  }
  // The next message, which will come.
  static std::string next(Follower& follower) {
    Feed::Message message;
    EXPECT_TRUE(wait_until([&] { return (message = follower.next()) != nullptr; }));
    return message == nullptr ? "" : *message;
  }
  void change_players(u32 count) {
    engine.add("players", "ann", {count, {}});
    ++engine.changes_[0];
  }
  std::uint64_t asked() const { return live.stats().asked; }
  // So many turns pass of a query that reads the clock.
  void wait_for_turns(std::uint64_t turns) {
    const auto follower = follow("select :now");
    const std::uint64_t before = asked();
    EXPECT_TRUE(wait_until([&] { return asked() >= before + turns; }));
  }

  ManualClock clock{Timestamp{1'000}};
  std::unique_ptr<log::MemoryStore> store = log::make_memory_store(clock, {});
  api::FakeEngine engine;
  api::Api api{*store, &engine, clock};
  std::atomic<int> calls = 0;
  Live live{api};
};

constexpr const char* kPlayers = "select count from players";

TEST_F(LiveTest, TellsWhatIsAndWhatChanges) {
  const auto follower = follow(kPlayers);
  EXPECT_NE(next(*follower).find(R"("rows":[[3]])"), std::string::npos);
  EXPECT_EQ(calls, 1);
  change_players(4);
  EXPECT_NE(next(*follower).find(R"("rows":[[4]])"), std::string::npos);
}

TEST_F(LiveTest, AsksOnlyWhereSomethingItReadsHasChanged) {
  const auto players = follow(kPlayers);
  next(*players);
  wait_for_turns(4);
  const std::uint64_t before = asked();
  wait_for_turns(5);
  EXPECT_LE(asked(), before + 7);  // those of the clock alone
  ++engine.changes_[1];            // scores, which it does not read
  wait_for_turns(5);
  EXPECT_EQ(players->next(), nullptr);
  EXPECT_LE(asked(), before + 14);
}

TEST_F(LiveTest, EqualQueriesAreAskedOnceForAll) {
  std::vector<std::unique_ptr<Follower>> followers;
  for (int i = 0; i < 500; ++i) followers.push_back(follow(kPlayers));
  for (const auto& follower : followers)
    EXPECT_NE(next(*follower).find(R"("rows":[[3]])"), std::string::npos);
  EXPECT_LE(asked(), 2U);
  EXPECT_EQ(live.stats().feeds, 1U);
  EXPECT_EQ(live.stats().followers, 500U);
  change_players(9);
  for (const auto& follower : followers)
    EXPECT_NE(next(*follower).find(R"("rows":[[9]])"), std::string::npos);
  EXPECT_LE(asked(), 4U);
}

TEST_F(LiveTest, WhoComesBackSoonGoesOn) {
  const auto version_of = [](const std::string& message) {
    const std::size_t begin = message.find(':') + 2;
    return message.substr(begin, message.find('"', begin) - begin);
  };
  const std::string version = version_of(next(*follow(kPlayers)));
  const auto again = follow(kPlayers, 100ms, version);
  wait_for_turns(3);
  EXPECT_EQ(again->next(), nullptr);
  change_players(5);
  EXPECT_NE(next(*again).find(R"("rows":[[5]])"), std::string::npos);
}

TEST_F(LiveTest, MistakesAreToldOnceAndAskedAgainForAnotherDataflow) {
  const auto follower = follow("select nosuch from players");
  EXPECT_NE(next(*follower).find("no such column: nosuch"), std::string::npos);
  wait_for_turns(3);
  EXPECT_EQ(follower->next(), nullptr);
  EXPECT_GE(live.stats().failed, 1U);
  EXPECT_LE(live.stats().failed, 2U);
}

TEST_F(LiveTest, AQueryThatReadsTheClockGoesOnWithIt) {
  const auto follower = follow("select :now");
  EXPECT_NE(next(*follower).find(R"("rows":[[1000]])"), std::string::npos);
  clock.advance(Duration{500});
  EXPECT_NE(next(*follower).find(R"("rows":[[1500]])"), std::string::npos);
}

TEST_F(LiveTest, ThereIsAnEndToHowManyThereAre) {
  std::vector<std::unique_ptr<Follower>> followers;
  for (std::size_t i = 0; i < kFeedsMax; ++i)
    followers.push_back(follow("select " + std::to_string(i), 3'600s));
  const auto refused = live.follow(
      {.sql = "select 'more'", .parameters = {}, .key = {}, .rows_max = 1}, 100ms, {}, [] {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  follow("select 7");  // one of those
}

}  // namespace
}  // namespace gameflow::live
