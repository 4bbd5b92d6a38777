// The tables of the dataflow: rows of files and topics, read by key and in SQL.
//
// A file is read again when it changes, between two epochs; a broken one is told, and the rows
// stay. Of a topic the last record of each key counts, as far as it was written when the epoch
// began.
//
// Threads  open() and refresh() belong to the thread that runs epochs; TableRows never change.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "log/store.h"
#include "plan/graph.h"
#include "query/query.h"
#include "record/arena.h"
#include "runtime/stats.h"
#include "state/layout.h"
#include "state/table.h"

namespace gameflow::runtime {

// The rows of a table as they were read.
class TableRows : public std::enable_shared_from_this<TableRows> {
 public:
  // `items`: JSON objects of the table's type; of those with one key the last counts. An error says
  // what is wrong with the first bad one, and its index in `bad`.
  static Result<std::shared_ptr<const TableRows>> make(const plan::TableSource& source,
                                                       const std::vector<std::string_view>& items,
                                                       std::size_t& bad);

  // The row with this encoded key; null: there is none.
  const void* find(std::string_view key) const;
  // It keeps the rows.
  std::shared_ptr<const query::Shards> shards() const { return {shared_from_this(), &shards_}; }
  std::size_t size() const { return shards_.front()->rows(0); }

 private:
  explicit TableRows(const plan::TableSource& source) : layout_({source.row}) {}

  const state::Layout layout_;
  record::BlockArena arena_;  // what the rows point to
  query::Shards shards_;
};

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
  struct Table {
    const plan::TableSource* source = nullptr;
    std::shared_ptr<const TableRows> rows;
    std::string problem;
    // Of a file.
    std::filesystem::path path;
    Stamp stamp;
    // Of a topic.
    log::TopicId topic;
    std::vector<log::Offset> next;             // by partition
    std::map<std::string, std::string> items;  // encoded key to JSON
  };

  static Stamp stamp_of(const std::filesystem::path& path);
  static Status read_file(Table& table);
  static Status open_topic(const plan::Graph& graph, const log::Store& store, Table& table);
  static Result<bool> read_topic(const log::Store& store, Table& table);

  const plan::Graph& graph_;
  std::vector<Table> tables_;
};

}  // namespace gameflow::runtime
