// Rows of a table of the dataflow, by key: a writer, and what readers see of it.
//
// Threads  a TableWriter belongs to one at a time; TableRows never change, and belong to everybody.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "plan/graph.h"
#include "query/query.h"
#include "record/arena.h"
#include "record/codec.h"
#include "state/layout.h"
#include "state/table.h"

namespace gameflow::runtime {

class TableRows : public std::enable_shared_from_this<TableRows> {
 public:
  // The row with this encoded key; null: there is none.
  const void* find(std::string_view key) const;
  // It keeps the rows.
  std::shared_ptr<const query::Shards> shards() const { return {shared_from_this(), &shards_}; }
  std::size_t size() const { return shards_.front()->rows(0); }

 private:
  friend class TableWriter;

  // What rows are in, and point to.
  struct Memory {
    explicit Memory(const plan::TableSource& source) : layout({source.row}), table(layout) {}
    const state::Layout layout;
    record::BlockArena arena;
    state::Table table;
  };
  TableRows(std::shared_ptr<const Memory> memory, query::Shards shards)
      : memory_(std::move(memory)), shards_(std::move(shards)) {}

  const std::shared_ptr<const Memory> memory_;
  const query::Shards shards_;
};

// What it publishes shares all rows that stay as they were.
class TableWriter {
 public:
  // `source` outlives it.
  explicit TableWriter(const plan::TableSource& source);

  // A JSON object of the table's type comes in place of the row with its key, which is given
  // encoded, valid until the next call. An error says what is wrong with it; then nothing changes.
  Result<std::string_view> put(std::string_view json);
  // There is such a row.
  void erase(std::string_view key);
  std::shared_ptr<const TableRows> publish();
  // Whether most of its memory is that of rows which are gone, where those that are there were
  // `bytes` of JSON: another writer would need much less.
  bool is_wasteful(std::size_t bytes) const;

 private:
  const plan::TableSource& source_;
  std::shared_ptr<TableRows::Memory> memory_;
  record::Decoder decoder_;
  void* const row_;  // that is read
};

}  // namespace gameflow::runtime
