#include "runtime/source_tables.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <gameflow/key.h>

#include "base/time.h"
#include "log/memory/memory_store.h"
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

}  // namespace
}  // namespace gameflow::runtime
