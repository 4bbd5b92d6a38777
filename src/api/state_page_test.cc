// Pages of a state in sessions: a key may have several rows, in those that are open and those that
// ended last.
#include "api/state_page.h"

#include <chrono>
#include <cstring>
#include <deque>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "record/type.h"
#include "state/sessions.h"
#include "state/table.h"

namespace gameflow::api {
namespace {

class SessionPages : public testing::Test {
 protected:
  struct Session {
    std::string key;
    std::uint16_t slot;
    Timestamp first, last;
    u32 n;
  };

  SessionPages() {
    table_.name = "visits";
    table_.row = row_;
    table_.session_gap = Duration{30};
    table_.constant_names = {"_window_closed"};
    add_segment(1, {{"ann", 0, {0}, {10}, 1}, {"bob", 0, {5}, {15}, 2}, {"ann", 1, {50}, {60}, 3}});
    add_segment(0, {{"ann", 0, {300}, {320}, 4}, {"ann", 1, {200}, {220}, 5}});
    EXPECT_TRUE(database_.set_table(&table_));
  }

  void add_segment(std::int64_t closed, const std::vector<Session>& sessions) {
    std::deque<state::Table> shards;
    for (std::uint32_t i = 0; i < state::kShards; ++i) shards.emplace_back(layout_);
    for (const Session& session : sessions) {
      std::string full = session.key;
      state::Sessions::append_slot(full, session.slot);
      state::Table& shard = shards[state::shard_of(state::Sessions::shard_hash(full))];
      state::Entry* const entry = shard.find_or_insert(full, state::hash_key(full));
      layout_.session(entry) = {session.first, session.last, {}, state::kNoSession};
      std::memcpy(layout_.row(entry, 0), &session.n, sizeof session.n);
      shard.mark_changed(entry, 1, {1});
    }
    query::Shards versions;
    for (state::Table& shard : shards) versions.push_back(shard.seal());
    table_.segments.push_back({{closed}, std::make_shared<const query::Shards>(versions)});
  }

  std::string read(const StateQuery& wanted) {
    const auto page = read_page(database_, table_, wanted,
                                std::chrono::steady_clock::now() + std::chrono::seconds(10));
    if (!page) return page.error().message;
    EXPECT_TRUE(page->windows.empty());
    next_ = page->next;
    std::string out;
    for (const auto& row : page->answer.rows)
      out += std::to_string(std::get<std::int64_t>(row[1])) + " ";
    return out;
  }

  record::TypeTable types_;
  const record::Type* row_ = types_.object("", {{"n", types_.scalar(record::Kind::kU32)}});
  state::Layout layout_{{row_}, {}, Duration{30}};
  query::Table table_;
  query::Database database_;
  std::string next_;
};

TEST_F(SessionPages, HaveEachSessionOnce) {
  EXPECT_EQ(read({.limit = 10}), "5 4 1 3 2 ");
  EXPECT_EQ(read({.limit = 1}), "5 4 ");
  EXPECT_EQ(read({.after = next_, .limit = 1}), "1 3 ");
  EXPECT_EQ(read({.after = next_, .limit = 1}), "2 ");
  EXPECT_EQ(next_, "");
}

TEST_F(SessionPages, OfAKeyComeInOrderOfTheirStart) {
  EXPECT_EQ(read({.key = "ann", .limit = 10}), "1 3 5 4 ");
  EXPECT_EQ(read({.key = "cid", .limit = 10}), "");
}

TEST_F(SessionPages, HaveNoWindowsInCommon) {
  EXPECT_EQ(read({.is_newest_window = true, .limit = 10}), read({.limit = 10}));
  EXPECT_EQ(
      read({.window_start = Timestamp{0}, .limit = 10}),
      "the windows of this state are sessions, each with a start of its own: leave window out");
}

}  // namespace
}  // namespace gameflow::api
