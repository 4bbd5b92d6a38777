// What is stored of a window's rows. How rows are updated: engine_test.cc and property_test.cc.
#include "runtime/keyed.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "record/type.h"
#include "runtime/checkpoint.h"

namespace gameflow::runtime {
namespace {

struct Row {
  Text text;
};

class StoredRowsTest : public testing::Test {
 protected:
  record::TypeTable types;
  const record::Type* row =
      types.object("row", {{.name = "text", .type = types.scalar(record::Kind::kString)}});
  state::Layout layout{{row}};
  std::vector<std::unique_ptr<state::Shard>> shards;
  int shards_rewritten = 0;

  StoredRowsTest() {
    for (std::uint32_t i = 0; i < state::kShards; ++i)
      shards.push_back(std::make_unique<state::Shard>(layout));
  }

  void set(const std::string& key, const std::string& text) {
    const std::uint64_t hash = state::hash_key(key);
    state::Table& table = shards[state::shard_of(hash)]->touch({0}).table;
    state::Entry* const entry = table.find_or_insert(key, hash);
    static_cast<Row*>(layout.row(entry, 0))->text = Text::view(text);
    table.mark_changed(entry, 1, {1});
    table.own_text();
  }
  // An epoch stores what changed, as the store does it.
  void store() {
    RowValues rows(layout);
    const std::uint64_t rewritten = stored_rows.rewrite_shards();
    for (std::uint32_t number = 0; number < state::kShards; ++number) {
      state::Table& table = shards[number]->touch({0}).table;
      if ((rewritten >> number & 1) == 0) {
        rows.add_changed({0}, table);
      } else {
        ++shards_rewritten;
        rows.add_all({0}, table);
      }
    }
    log::Commit commit;
    store_rows("s", {0}, std::move(rows.windows()[{0}]), stored_rows, commit);
    apply(commit);
    for (const auto& one : shards) one->commit([](Timestamp, const auto&, std::size_t) {});
  }
  void apply(const log::Commit& commit) {
    for (const log::KeyRange& range : commit.erase)
      stored.erase(stored.lower_bound(range.begin), stored.lower_bound(range.end));
    for (const log::KeyValue& entry : commit.put) stored[entry.key] = entry.value;
  }
  // Key to text, of what is stored.
  std::map<std::string, std::string> load() {
    state::Table table(layout);
    for (const auto& [key, value] : stored) {
      ByteReader in(value);
      while (!in.at_end()) EXPECT_TRUE(table.load(in, {0}));
    }
    std::map<std::string, std::string> rows;
    table.peek()->for_each([&](const state::Entry* entry) {
      rows[std::string(layout.key(entry))] =
          static_cast<const Row*>(layout.row(entry, 0))->text.str();
    });
    return rows;
  }

  StoredRows stored_rows;
  std::map<std::string, std::string> stored;
};

TEST_F(StoredRowsTest, NoValueIsLargerThanTheLimitUnlessARowIs) {
  std::map<std::string, std::string> expected;
  for (int i = 0; i < 1'500; ++i) {
    const std::string key = fmt::format("player_{}", i);
    set(key, expected[key] = std::string(1'024, 'x'));
  }
  set("large", expected["large"] = std::string(kStoredBytesMax + 1, 'y'));
  store();
  EXPECT_LE(stored.size(), 5U);  // 1.5 MiB, cut by the large one, which lies by itself
  std::size_t larger = 0;
  for (const auto& [key, value] : stored) larger += value.size() > kStoredBytesMax ? 1 : 0;
  EXPECT_EQ(larger, 1U);
  EXPECT_EQ(load(), expected);
}

TEST_F(StoredRowsTest, ChangesAreRewrittenBeforeThereAreManyOfThem) {
  std::map<std::string, std::string> expected;
  for (int epoch = 0; epoch < 10'000; ++epoch) {
    const std::string key = fmt::format("player_{}", epoch % 7);
    set(key, expected[key] = std::to_string(epoch));
    store();
    ASSERT_LE(stored.size(), 4'100U);
    ASSERT_EQ(stored.size(), stored_rows.count());
  }
  EXPECT_GT(shards_rewritten, 0);
  EXPECT_EQ(load(), expected);
  log::Commit erasing;
  erase_rows("s", {0}, stored_rows, erasing);
  apply(erasing);
  EXPECT_TRUE(stored.empty());
}

// What is stored in between is right as well, and no epoch stores all that is in memory.
TEST_F(StoredRowsTest, LargeWindowsAreRewrittenInPieces) {
  constexpr std::size_t kRowBytes = 30'000, kEpochRows = 10;
  std::map<std::string, std::string> expected;
  std::size_t largest = 0;
  for (int epoch = 0; epoch < 300; ++epoch) {
    for (std::size_t i = 0; i < kEpochRows; ++i) {
      const std::string key = fmt::format("player_{}", (epoch * 7 + i * 13) % 900);
      set(key, expected[key] = std::string(kRowBytes, static_cast<char>('a' + epoch % 26)));
    }
    const std::uint64_t before = stored_rows.next;
    store();
    std::size_t bytes = 0;
    for (std::uint64_t number = before; number < stored_rows.next; ++number)
      bytes += stored.contains(rows_key("s", {{0}, number}))
                   ? stored.at(rows_key("s", {{0}, number})).size()
                   : 0;
    largest = std::max(largest, bytes);
    if (epoch % 10 == 0) {
      ASSERT_EQ(load(), expected) << epoch;
    }
  }
  EXPECT_GE(shards_rewritten, 64);
  EXPECT_LT(largest, 8U << 20);
  EXPECT_EQ(load(), expected);
  log::Commit erasing;
  erase_rows("s", {0}, stored_rows, erasing);
  apply(erasing);
  EXPECT_TRUE(stored.empty());
}

}  // namespace
}  // namespace gameflow::runtime
