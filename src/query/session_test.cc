// Sessions in SQL: a key may have several rows.
#include <deque>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "query/page.h"
#include "query/query.h"
#include "state/sessions.h"
#include "state/table.h"

namespace gameflow::query {
namespace {

class SessionTable : public testing::Test {
 protected:
  SessionTable() {
    for (std::uint32_t i = 0; i < state::kShards; ++i) shards_.emplace_back(layout_);
    table_.name = "visits";
    table_.row = row_;
    table_.session_gap = Duration{30};
    table_.constant_names = {"_window_closed"};
    add("ann", 0, {100}, {120}, 1);
    add("ann", 1, {0}, {0}, 2);
    add("bob", 0, {90}, {120}, 3);
    add("a", 0, {90}, {120}, 4);
    add("cid", 0, {-50}, {10}, 5);
    Shards versions;
    for (state::Table& shard : shards_) versions.push_back(shard.seal());
    table_.segments = {{{0}, std::make_shared<const Shards>(std::move(versions))}};
    EXPECT_TRUE(database_.set_table(&table_));
  }

  void add(const std::string& key, std::uint16_t slot, Timestamp first, Timestamp last, u32 n) {
    std::string full = key;
    state::Sessions::append_slot(full, slot);
    state::Table& shard = shards_[state::shard_of(state::Sessions::shard_hash(full))];
    state::Entry* const entry = shard.find_or_insert(full, state::hash_key(full));
    layout_.session(entry) = {first, last, {}, state::kNoSession};
    std::memcpy(layout_.row(entry, 0), &n, sizeof n);
    shard.mark_changed(entry, 1, {1});
  }

  std::string run(std::string_view sql) {
    const auto answer = database_.run(sql, {});
    if (!answer) return answer.error().message;
    std::string out;
    for (const auto& row : answer->rows) {
      for (const Value& value : row) {
        const auto* const number = std::get_if<std::int64_t>(&value);
        out += (number != nullptr ? std::to_string(*number) : std::get<std::string>(value)) + " ";
      }
      out.back() = ';';
    }
    return out;
  }

  record::TypeTable types_;
  const record::Type* row_ = types_.object("", {{"n", types_.scalar(record::Kind::kU32)}});
  state::Layout layout_{{row_}, {}, Duration{30}};
  std::deque<state::Table> shards_;
  Table table_;
  Database database_;
};

TEST_F(SessionTable, HasTheBoundsOfEach) {
  EXPECT_EQ(run("select * from visits where n = 1"), "ann 1 1 100 150 0;");
  EXPECT_EQ(run("select max(_window_end - _window_start) from visits"), "90;");
}

TEST_F(SessionTable, ComesInOrderOfTheirEnd) {
  EXPECT_EQ(run("select _key, n from visits"), "ann 2;cid 5;a 4;bob 3;ann 1;");
  EXPECT_EQ(run("select n from visits order by _window_start, _key"), "5;2;4;3;1;");
  EXPECT_EQ(run("select _key, n from visits order by _key"), "a 4;ann 2;ann 1;bob 3;cid 5;");
  EXPECT_EQ(run("select _key, count(*), sum(n) from visits group by _key"),
            "a 1 4;ann 2 3;bob 1 3;cid 1 5;");
}

TEST_F(SessionTable, AreLookedUpByKey) {
  EXPECT_EQ(run("select n from visits where _key = 'ann' order by n"), "1;2;");
  EXPECT_EQ(run("select n from visits where _key = 'a'"), "4;");
  EXPECT_EQ(run("select n from visits where _key in ('an', 'bob', '')"), "3;");
}

TEST_F(SessionTable, HasEachKeyOnceInAPage) {
  const auto page =
      page_of(table_, {.limit = 10}, std::chrono::steady_clock::now() + std::chrono::seconds(10));
  ASSERT_TRUE(page);
  std::string keys;
  for (const PagePlace& place : *page) keys += place.key + " ";
  EXPECT_EQ(keys, "a ann bob cid ");
}

}  // namespace
}  // namespace gameflow::query
