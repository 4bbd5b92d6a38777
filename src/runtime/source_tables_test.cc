#include "runtime/source_tables.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <gameflow/key.h>

#include "base/time.h"
#include "log/memory/memory_store.h"
#include "log/test_util.h"
#include "record/codec.h"
#include "record/type.h"

namespace gameflow::runtime {
namespace {

class SourceTablesTest : public testing::Test {
 protected:
  SourceTablesTest() {
    std::string name = (std::filesystem::temp_directory_path() / "tables-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    graph.file_name = (folder / "dataflow.yaml").string();
    graph.types = std::make_shared<record::TypeTable>();
    record::TypeTable& types = *graph.types;
    const auto* text = types.scalar(record::Kind::kString);
    item = types.object("item", {{.name = "id", .type = types.scalar(record::Kind::kI32)},
                                 {.name = "full_name", .type = text},
                                 {.name = "price", .type = types.scalar(record::Kind::kF64)},
                                 {.name = "maker", .type = text, .optional = true}});
  }
  ~SourceTablesTest() override { std::filesystem::remove_all(folder); }

  void write(const std::string& file, const std::string& text) const {
    // Another file, as one that is written twice within a clock tick looks the same.
    std::ofstream(folder / "new") << text;
    std::filesystem::rename(folder / "new", folder / file);
  }
  void add_file(const std::string& file) {
    graph.tables.push_back({.name = "items",
                            .accessor = "items",
                            .file = file,
                            .row = item,
                            .key_field = 0,
                            .key = record::Kind::kI32});
  }
  static std::string encoded(i32 id) {
    Arena arena;
    char bytes[64];
    arena.cursor = bytes;
    arena.end = bytes + sizeof bytes;
    detail::current_arena = &arena;
    std::string key(encode_key(id).view());
    detail::current_arena = nullptr;
    return key;
  }
  void add_topic(std::uint32_t partitions, std::optional<Duration> retention_age = {}) {
    graph.topics.push_back({.name = "items", .type = item, .partitions = partitions});
    graph.tables.push_back({.name = "items",
                            .accessor = "items",
                            .file = {},
                            .topic = 0,
                            .row = item,
                            .key_field = 0,
                            .key = record::Kind::kI32});
    ASSERT_TRUE(store->create_topic(
        {.name = "items", .partitions = partitions, .retention_age = retention_age}));
  }
  void append(const std::vector<std::string>& records, std::uint32_t partition = 0) {
    ASSERT_TRUE(store->commit(log::append(store->topic("items")->id, partition, records)));
  }
  static std::string item_json(i32 id, std::string_view name) {
    return fmt::format(R"({{"id":{},"full_name":"{}","price":1}})", id, name);
  }
  std::string row(const SourceTables& tables, i32 id) const {
    const void* const found = tables.rows(0).find(encoded(id));
    std::string json = found == nullptr ? "none" : "";
    if (found != nullptr) record::encode_json(*item, found, json);
    return json;
  }

  std::filesystem::path folder;
  plan::Graph graph;
  const record::Type* item = nullptr;
  ManualClock clock{Timestamp{1}};
  std::unique_ptr<log::MemoryStore> store = log::make_memory_store(clock);
};

TEST_F(SourceTablesTest, AChangedFileIsReadAgainAndABrokenOneLeavesTheRows) {
  write("items.csv", "id,full-name,price,maker\n1,Sword,2.5,\n-2,\"Long, bow\",3,acme\n");
  add_file("items.csv");
  SourceTables tables(graph);
  ASSERT_TRUE(tables.open(*store));
  EXPECT_EQ(row(tables, 1), R"({"id":1,"full_name":"Sword","price":2.5})");
  EXPECT_EQ(row(tables, -2), R"({"id":-2,"full_name":"Long, bow","price":3,"maker":"acme"})");
  EXPECT_EQ(row(tables, 3), "none");
  EXPECT_FALSE(tables.refresh(*store));

  const auto before = tables.all_rows();
  write("items.csv", "id,full-name,price,maker\n3,Shield,x,\n");
  EXPECT_FALSE(tables.refresh(*store));
  EXPECT_EQ(row(tables, 1), R"({"id":1,"full_name":"Sword","price":2.5})");
  EXPECT_EQ(tables.stats()[0].rows, 2U);
  EXPECT_NE(tables.stats()[0].problem.find("items.csv:2: price: "), std::string::npos)
      << tables.stats()[0].problem;
  EXPECT_FALSE(tables.refresh(*store));
  EXPECT_NE(tables.stats()[0].problem, "");

  std::filesystem::remove(folder / "items.csv");
  EXPECT_FALSE(tables.refresh(*store));
  EXPECT_NE(tables.stats()[0].problem.find("cannot read"), std::string::npos);
  EXPECT_EQ(row(tables, -2), R"({"id":-2,"full_name":"Long, bow","price":3,"maker":"acme"})");

  write("items.csv", "price,id,full_name,color\n7,3,Shield,red\n8,3,Buckler,blue\n");
  EXPECT_TRUE(tables.refresh(*store));
  EXPECT_EQ(tables.stats()[0].problem, "");
  EXPECT_EQ(row(tables, 1), "none");
  EXPECT_EQ(row(tables, 3), R"({"id":3,"full_name":"Buckler","price":8})");
  EXPECT_EQ(before[0]->front()->rows(0), 2U);  // who has the old rows keeps them
}

TEST_F(SourceTablesTest, AtTheStartAFileHasToBeRight) {
  add_file("items.jsonl");
  const auto problem = [&](const std::string& text) {
    write("items.jsonl", text);
    const Status opened = SourceTables(graph).open(*store);
    return opened ? "" : opened.error().message;
  };
  EXPECT_EQ(problem("{\"id\":1,\"full_name\":\"a\",\"price\":1}\n\n"), "");
  EXPECT_EQ(problem(""), "");
  EXPECT_NE(problem("\n{\"id\":1}\n").find("items.jsonl:2: "), std::string::npos);
  std::filesystem::remove(folder / "items.jsonl");
  const Status missing = SourceTables(graph).open(*store);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kInvalidDataflow);
}

TEST_F(SourceTablesTest, OfATopicOnlyWhatIsNewIsReadAndAllElseIsShared) {
  constexpr i32 kItems = 10'000;
  add_topic(1);
  std::vector<std::string> records;
  for (i32 id = 0; id < kItems; ++id) records.push_back(item_json(id, "an item"));
  append(records);
  SourceTables tables(graph);
  ASSERT_TRUE(tables.open(*store));
  const auto before = tables.all_rows();
  std::vector<const void*> places;
  for (i32 id = 0; id < kItems; ++id) places.push_back(tables.rows(0).find(encoded(id)));
  EXPECT_FALSE(tables.refresh(*store));

  append({"{\"id\":7}", item_json(5'000, "a better one"), item_json(kItems, "one more")});
  EXPECT_TRUE(tables.refresh(*store));
  EXPECT_EQ(tables.stats()[0].rows, kItems + 1U);
  EXPECT_EQ(row(tables, 7), item_json(7, "an item"));
  EXPECT_EQ(row(tables, 5'000), item_json(5'000, "a better one"));
  EXPECT_EQ(row(tables, kItems), item_json(kItems, "one more"));
  std::size_t moved = 0;
  for (i32 id = 0; id < kItems; ++id) moved += tables.rows(0).find(encoded(id)) != places[id];
  EXPECT_LT(moved, 50U);  // those in the pages of the two
  // Who has the old rows keeps them.
  std::string json;
  record::encode_json(*item, places[5'000], json);
  EXPECT_EQ(json, item_json(5'000, "an item"));
  EXPECT_EQ(before[0]->front()->rows(0), 1U * kItems);
}

TEST_F(SourceTablesTest, RowsThatChangeManyTimesDoNotKeepWhatTheyWere) {
  add_topic(1);
  SourceTables tables(graph);
  ASSERT_TRUE(tables.open(*store));
  TableWriter writer(graph.tables[0]);
  const std::string name(100'000, 'x');
  for (int i = 0; i < 100; ++i) {
    append({item_json(i % 3, name + std::to_string(i))});
    EXPECT_TRUE(tables.refresh(*store));
    ASSERT_TRUE(writer.put(item_json(i % 3, name)));
    EXPECT_FALSE(writer.is_wasteful(3 * name.size()) && i < 15);
  }
  EXPECT_TRUE(writer.is_wasteful(3 * name.size()));
  for (int i = 97; i < 100; ++i)
    EXPECT_EQ(row(tables, i % 3), item_json(i % 3, name + std::to_string(i)));
}

TEST_F(SourceTablesTest, WhatRetentionRemovesFromATopicIsGoneFromItsTable) {
  add_topic(2, Duration{1'000});
  append({item_json(1, "old"), item_json(2, "old")});
  append({item_json(3, "old")}, 1);
  SourceTables tables(graph);
  ASSERT_TRUE(tables.open(*store));
  const auto before = tables.all_rows();
  clock.advance({900});
  append({item_json(2, "new")});
  EXPECT_TRUE(tables.refresh(*store));
  clock.advance({200});
  ASSERT_TRUE(store->apply_retention());
  EXPECT_TRUE(tables.refresh(*store));
  EXPECT_FALSE(tables.refresh(*store));
  EXPECT_EQ(row(tables, 1), "none");
  EXPECT_EQ(row(tables, 2), item_json(2, "new"));
  EXPECT_EQ(row(tables, 3), "none");
  EXPECT_EQ(tables.stats()[0].rows, 1U);
  EXPECT_EQ(before[0]->front()->rows(0), 3U);

  SourceTables restarted(graph);
  ASSERT_TRUE(restarted.open(*store));
  EXPECT_EQ(restarted.stats()[0].rows, 1U);
  append({item_json(1, "again")});
  EXPECT_TRUE(tables.refresh(*store));
  EXPECT_EQ(row(tables, 1), item_json(1, "again"));
}

}  // namespace
}  // namespace gameflow::runtime
