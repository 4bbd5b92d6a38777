#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "api/api.h"
#include "api/fake_engine.h"
#include "log/memory/memory_store.h"

namespace gameflow::api {
namespace {

std::string show(const Result<query::Answer>& answer) {
  if (!answer) return fmt::format("{}: {}", to_string(answer.error().code), answer.error().message);
  std::string out;
  for (const auto& row : answer->rows) {
    if (!out.empty()) out += ';';
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i != 0) out += ',';
      if (const auto* number = std::get_if<std::int64_t>(&row[i])) {
        out += std::to_string(*number);
      } else if (const auto* text = std::get_if<std::string>(&row[i])) {
        out += *text;
      } else {
        out += "NULL";
      }
    }
  }
  return out + (answer->truncated ? " ..." : "");
}

class QueriesTest : public testing::Test {
 protected:
  QueriesTest() {
    engine_.add("players", "ann", {3, Text("red")});
    engine_.add("players", "o'neil", {5, {}});
    engine_.add_score(7, 70);
    engine_.add_score(UINT64_MAX, 1);
  }

  ManualClock clock_{Timestamp{0}};
  std::unique_ptr<log::MemoryStore> store_ = log::make_memory_store(clock_);
  FakeEngine engine_;
  Api api_{*store_, &engine_, clock_};
};

TEST_F(QueriesTest, Sql) {
  EXPECT_EQ(show(api_.sql("select _key, count from players order by count desc", {})),
            "o'neil,5;ann,3");
  EXPECT_EQ(show(api_.sql("SELECT count(*) FROM \"PLAYERS\" p JOIN [Scores] s", {})), "4");
  EXPECT_EQ(show(api_.sql("select 1", {})), "1");
  EXPECT_EQ(show(api_.sql("select _key from players", {.rows_max = 1})), "ann ...");
  EXPECT_EQ(
      show(api_.sql("select * from playres", {})),
      "sql_invalid: no such table: playres; the tables are: players, scores, _metrics, _progress, "
      "dead-letters, dead_letters, summaries, topic__players");
  EXPECT_EQ(show(api_.sql("delete from players", {})).substr(0, 10), "sql_denied");
}

TEST_F(QueriesTest, ProgressOfEachTable) {
  EXPECT_EQ(show(api_.sql("select name, service, complete_to, lag, cast(late * 100 as integer), "
                          "stopped from _progress",
                          {})),
            "players,sessions,5000,3,0,NULL;scores,sessions,5000,3,0,NULL;"
            "topic__players,NULL,NULL,0,0,NULL;summaries,NULL,NULL,0,0,NULL;"
            "dead_letters,NULL,NULL,0,0,NULL;dead-letters,NULL,NULL,0,0,NULL");
  runtime::ServiceStats& sessions = engine_.stats_.services[0];
  sessions.last_minute = {.records = 10, .late = 4, .reason = {}};
  sessions.stopped = runtime::Stop{.op = "update-state", .reason = "no", .topic = "players"};
  EXPECT_EQ(
      show(api_.sql("select cast(late * 100 as integer), substr(stopped, 1, 55) from _progress "
                    "where name = 'scores'",
                    {})),
      "40,service 'sessions' has stopped at topic 'players' parti");
  EXPECT_TRUE(api_.sql("select * from _progress", {})->uses.clock);
}

TEST_F(QueriesTest, EachSeesTheRowsOfItsMomentAndKeepsNothing) {
  EXPECT_EQ(show(api_.sql("select count(*) from scores", {})), "2");
  EXPECT_EQ(engine_.views_held_, 0);
  engine_.add_score(9, 1);
  EXPECT_EQ(show(api_.sql("select count(*) from scores", {})), "3");
  EXPECT_EQ(show(api_.sql("select nothing from scores", {})).substr(0, 11), "sql_invalid");
  EXPECT_EQ(engine_.views_held_, 0);
}

TEST_F(QueriesTest, TakingTheRowsCountsForTheTimeLimit) {
  engine_.on_view_ = [] { std::this_thread::sleep_for(std::chrono::milliseconds(2)); };
  EXPECT_EQ(show(api_.sql("with recursive n(i) as (select 1 union all select i + 1 from n) "
                          "select count(*) from n limit 1",
                          {.time_max = std::chrono::milliseconds(1)})),
            "sql_limit: the query took too long and was stopped");
}

TEST_F(QueriesTest, AnEpochThatDoesNotEndCountsForTheTimeLimit) {
  engine_.is_busy_ = true;
  EXPECT_EQ(show(api_.sql("select 1", {})),
            "sql_limit: the query took too long: it waited for the engine to end an epoch");
}

std::string show(const Result<StateRows>& rows) {
  if (!rows) return show(Result<query::Answer>(fail(rows.error())));
  return show(Result<query::Answer>(rows->answer));
}

TEST_F(QueriesTest, StateRows) {
  const auto rows = [&](const char* state, std::optional<std::string> key, std::size_t limit = 10) {
    StateQuery query;
    query.key = std::move(key);
    query.limit = limit;
    return show(api_.state_rows("sessions", state, query));
  };
  EXPECT_EQ(rows("players", {}), "ann,3,red,0,0,5000,0;o'neil,5,NULL,0,0,5000,0");
  EXPECT_EQ(rows("players", {}, 1), "ann,3,red,0,0,5000,0 ...");
  EXPECT_EQ(rows("players", "o'neil"), "o'neil,5,NULL,0,0,5000,0");
  EXPECT_EQ(rows("players", "x' or 1=1 --"), "");
  EXPECT_EQ(rows("scores", "7"), "7,70,NULL,0,0,5000,0");
  EXPECT_EQ(rows("scores", "18446744073709551615"), "18446744073709551615,1,NULL,0,0,5000,0");
  EXPECT_EQ(rows("scores", "18446744073709551614"), "");
  EXPECT_EQ(rows("scores", "-1"), "invalid_argument: '-1' cannot be a key of type u64");
  EXPECT_EQ(rows("scores", "7 or 1"), "invalid_argument: '7 or 1' cannot be a key of type u64");
  EXPECT_EQ(rows("player", {}),
            "invalid_argument: there is no state 'sessions/player'; did you mean "
            "'sessions/players'?");
}

TEST_F(QueriesTest, StateRowsByPrefixAndWindow) {
  const auto rows = [&](const char* state, StateQuery query) {
    return show(api_.state_rows("sessions", state, query));
  };
  EXPECT_EQ(rows("players", {.prefix = "o'"}), "o'neil,5,NULL,0,0,5000,0");
  EXPECT_EQ(rows("players", {.prefix = "%"}), "");
  EXPECT_EQ(rows("players", {.prefix = ""}), rows("players", {}));
  EXPECT_EQ(rows("scores", {.prefix = "18"}), "18446744073709551615,1,NULL,0,0,5000,0");
  EXPECT_EQ(rows("players", {.prefix = "a", .window_start = Timestamp{0}}), "ann,3,red,0,0,5000,0");
  EXPECT_EQ(rows("players", {.window_start = Timestamp{5000}}), "");
  EXPECT_EQ(rows("players", {.prefix = "a", .is_newest_window = true}), "ann,3,red,0,0,5000,0");
  EXPECT_EQ(rows("players", {.key = "ann", .window_start = Timestamp{0}}), "ann,3,red,0,0,5000,0");
  const auto windows = api_.state_rows("sessions", "players", {.limit = 1})->windows;
  ASSERT_EQ(windows.size(), 1u);
  EXPECT_EQ(windows[0].end, Timestamp{5000});
  EXPECT_EQ(windows[0].rows, 2u);
}

TEST_F(QueriesTest, PagesOfAStateHaveEachRowOnceAndInOrder) {
  // Keys that are quoted, longer than 63 bits, or hold any bytes.
  for (const u64 key : {u64{1}, u64{10}, u64{9}, ~u64{0} - 1, u64{1} << 63, (u64{1} << 63) + 5})
    engine_.add_score(key, 1);
  for (const std::string key : {"", "'", "ann\n", "\u00e9", "z"})
    engine_.add("players", key, {1, {}});
  for (const char* state : {"players", "scores"}) {
    for (std::size_t limit = 1; limit <= 4; ++limit) {
      const auto all = api_.state_rows("sessions", state, {});
      ASSERT_TRUE(all);
      EXPECT_EQ(all->next, "");
      StateQuery query;
      query.limit = limit;
      std::vector<std::vector<query::Value>> seen;
      do {
        const auto page = api_.state_rows("sessions", state, query);
        ASSERT_TRUE(page) << page.error().message;
        ASSERT_FALSE(page->answer.rows.empty());
        seen.insert(seen.end(), page->answer.rows.begin(), page->answer.rows.end());
        ASSERT_LE(seen.size(), all->answer.rows.size()) << state;
        query.after = page->next;
      } while (!query.after.empty());
      EXPECT_EQ(seen, all->answer.rows) << state << " by " << limit;
    }
  }
}

TEST_F(QueriesTest, PagesThatCannotBe) {
  for (const char* after : {"0", "0.6", "0.zz", "x.61", ".61", "0.61 or 1", "-.61"}) {
    StateQuery query;
    query.after = after;
    EXPECT_EQ(show(api_.state_rows("sessions", "players", query)),
              fmt::format("invalid_argument: '{}' is no place in this state; after is what an "
                          "answer calls next",
                          after));
  }
  EXPECT_FALSE(api_.state_rows("sessions", "scores", {.after = "0.61"})) << "no number";
  EXPECT_EQ(show(api_.state_rows("sessions", "players", {.key = "ann", .prefix = "a"})),
            "invalid_argument: key stands without prefix and after");
  EXPECT_TRUE(api_.state_rows("sessions", "players", {.after = "0."})) << "behind the empty key";
}

TEST_F(QueriesTest, States) {
  const std::vector<StateDescription> states = api_.states();
  ASSERT_EQ(states.size(), 2u);
  EXPECT_EQ(states[0].name.state, "players");
  EXPECT_EQ(states[0].rows, 2u);
  EXPECT_EQ(states[0].bytes, 64u);
  std::string columns;
  for (const auto& [name, type] : states[0].columns) columns += fmt::format("{}:{} ", name, type);
  EXPECT_EQ(columns,
            "_key:string count:u32 team:string? _updated_at:i64 _window_start:i64 _window_end:i64 "
            "_window_closed:i64 ");
}

TEST_F(QueriesTest, ManyAtOnceAreRefused) {
  EXPECT_EQ(show(api_.sql("select 1", {})), "1");
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t inside = 0;
  bool open = false;
  engine_.on_view_ = [&] {
    std::unique_lock lock(mutex);
    ++inside;
    changed.notify_all();
    changed.wait(lock, [&] { return open; });
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < Api::kQueriesMax; ++i) {
    threads.emplace_back(
        [&] { EXPECT_EQ(show(api_.sql("select count(*) from players", {})), "2"); });
  }
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return inside == Api::kQueriesMax; });
  }
  EXPECT_EQ(show(api_.sql("select 1", {})).substr(0, 11), "unavailable");
  {
    const std::scoped_lock lock(mutex);
    open = true;
    changed.notify_all();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(show(api_.sql("select 1", {})), "1");
}

TEST_F(QueriesTest, WithoutADataflow) {
  Api api(*store_, nullptr, clock_);
  EXPECT_EQ(show(api.sql("select 1", {})), "1");
  EXPECT_EQ(show(api.sql("select * from players", {})),
            "sql_invalid: no such table: players; there are no tables");
  EXPECT_TRUE(api.states().empty());
  EXPECT_EQ(api.state_rows("a", "b", {}).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace gameflow::api
