// What is stored of a window's rows. How rows are updated: engine_test.cc and property_test.cc.
#include "runtime/keyed.h"

#include <map>
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
  state::Shard shard{layout};

  void set(const std::string& key, const std::string& text) {
    state::Table& table = shard.touch({0}).table;
    state::Entry* const entry = table.find_or_insert(key, state::hash_key(key));
    static_cast<Row*>(layout.row(entry, 0))->text = Text::view(text);
    table.mark_changed(entry, 1, {1});
    table.own_text();
  }
  // An epoch stores what changed, as the store does it.
  void store() {
    RowValues rows(layout);
    const bool all = stored_rows.is_long();
    const state::Table& table = shard.touch({0}).table;
    all ? rows.add_all({0}, table) : rows.add_changed({0}, table);
    log::Commit commit;
    for (auto& [window, values] : rows.windows())
      store_rows("s", window, std::move(values), all, stored_rows, commit);
    apply(commit);
    shard.commit([](Timestamp, const auto&, std::size_t) {});
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
  EXPECT_EQ(stored.size(), 4U);  // 1.5 MiB, and the large one by itself
  std::size_t larger = 0;
  for (const auto& [key, value] : stored) larger += value.size() > kStoredBytesMax ? 1 : 0;
  EXPECT_EQ(larger, 1U);
  EXPECT_EQ(load(), expected);
}

TEST_F(StoredRowsTest, ChangesAreRewrittenBeforeThereAreManyOfThem) {
  std::map<std::string, std::string> expected;
  for (int epoch = 0; epoch < 1'000; ++epoch) {
    const std::string key = fmt::format("player_{}", epoch % 7);
    set(key, expected[key] = std::to_string(epoch));
    store();
    ASSERT_LE(stored.size(), 256U);
    ASSERT_EQ(stored.size(), stored_rows.count());
  }
  EXPECT_EQ(load(), expected);
  log::Commit erasing;
  erase_rows("s", {0}, stored_rows, erasing);
  apply(erasing);
  EXPECT_TRUE(stored.empty());
}

}  // namespace
}  // namespace gameflow::runtime
