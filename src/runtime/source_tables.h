// The tables of the dataflow: rows of files and topics, read by key and in SQL.
//
// A file is read again when it changes, between two epochs; a broken one is told, and the rows
// stay. Of a topic the last record of each key counts, as far as it was written when the epoch
// began and is still there: an epoch costs what is new.
//
// Threads  open() and refresh() belong to the thread that runs epochs; TableRows never change.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "log/store.h"
#include "plan/graph.h"
#include "query/query.h"
#include "record/batch.h"
#include "runtime/stats.h"
#include "runtime/table_rows.h"

namespace gameflow::runtime {

class SourceTables {
 public:
  // `graph` outlives it.
  explicit SourceTables(const plan::Graph& graph);

  // kInvalidDataflow: a file cannot be read, or is broken; the message says where.
  Status open(log::Store& store);
  // Whether there are other rows than before.
  bool refresh(log::Store& store);

  // By number. They stay as they are.
  using Rows = std::vector<std::shared_ptr<const TableRows>>;
  Rows rows() const;
  const TableRows& rows(plan::TableId table) const { return *tables_[table].rows; }
  std::vector<std::shared_ptr<const query::Shards>> all_rows() const;
  std::vector<TableStats> stats() const;

 private:
  // What a file looked like; it has changed when that has.
  struct Stamp {
    std::int64_t modified_ns = 0;
    std::uint64_t bytes = 0, inode = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  // The last record of a key.
  struct Item {
    std::string json;
    std::uint32_t partition = 0;
    log::Offset offset;
  };
  // What is needed to go on with a topic.
  struct Topic {
    log::TopicId id;
    std::vector<log::Offset> next, begin;  // by partition
    std::unique_ptr<TableWriter> writer;
    std::map<std::string, Item> items;  // by encoded key
    std::size_t bytes = 0;              // of their JSON
  };
  struct Table {
    const plan::TableSource* source = nullptr;
    std::shared_ptr<const TableRows> rows;
    std::string problem;
    // Of a file.
    std::filesystem::path path;
    Stamp stamp;
    std::optional<Topic> topic;
  };

  static Stamp stamp_of(const std::filesystem::path& path);
  static Status read_file(Table& table);
  static Status open_topic(const plan::Graph& graph, const log::Store& store, Table& table);
  static Result<bool> read_topic(const log::Store& store, Table& table);
  static bool put(const record::Batch& batch, std::uint32_t number, std::uint32_t partition,
                  Table& table);
  static Result<bool> forget_removed(const log::Store& store, Topic& topic);
  static void tidy(const plan::TableSource& source, Topic& topic);

  const plan::Graph& graph_;
  std::vector<Table> tables_;
};

}  // namespace gameflow::runtime
