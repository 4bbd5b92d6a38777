// A Table as SQLite sees it: an eponymous, read-only virtual table over the live rows.
//
// What a column holds: integers and bools as INTEGER, floats as REAL, strings as TEXT (not copied),
// bytes as BLOB, objects and lists as their JSON text, an absent optional as NULL. SQLite's
// integers end at 2^63 - 1: a larger u64 is its decimal digits as TEXT, so that it stays exact.
//
// Threads  one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/error.h"
#include "query/query.h"
#include "query/row_order.h"

struct sqlite3;

namespace gameflow::query {

// Where one column's value is.
struct Column {
  enum class Source : std::uint8_t { kKey, kField, kUpdatedAt, kConstant };
  Source source;
  record::Kind kind;
  bool optional = false;
  std::uint32_t offset = 0;            // kField: in the row; kConstant: in Segment::constants
  std::uint32_t flag_offset = 0;       // optional only
  const record::Type* type = nullptr;  // kField only
  std::string name;
};

// A value of a row's struct, whose C++ type only the schema knows.
template <class T>
T load(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

// Rows by key, for one query: made when a query looks keys up more than once, as joins do.
class KeyIndex {
 public:
  explicit KeyIndex(const Table& table);
  struct Place {
    std::uint32_t segment, row;
  };
  // Appends the places of the rows with `key`, in the table's order.
  void find(std::string_view key, std::vector<Place>& places) const;

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  struct Entry {
    Place place;
    std::uint32_t next;  // in entries_, of the same key
  };
  boost::unordered_flat_map<std::string_view, std::uint32_t> first_;
  std::vector<Entry> entries_;
};

// One name in SQL and the table that it stands for at the moment. SQLite holds its address.
class TableSlot {
 public:
  TableSlot() = default;
  TableSlot(const TableSlot&) = delete;
  TableSlot& operator=(const TableSlot&) = delete;

  // kInvalidArgument: a name, key kind or column that cannot be in SQL, or (when a table is there
  // already) another shape than before.
  Status set(const Table* table);
  // Makes the name known to `db`. Once, after the first set().
  Status attach(sqlite3* db);
  // Forgets what was kept for the last query.
  void begin_query();

  const Table& table() const { return *table_; }
  const std::vector<Column>& columns() const { return columns_; }
  // Places of the rows with the encoded `key`.
  void find(std::string_view key, std::vector<KeyIndex::Place>& places);
  // All rows in the order that `text` stands for: for each term the column's number and 'a' or 'd'.
  // Valid until the next query.
  const std::vector<OrderedRow>& in_order(std::string_view text);

 private:
  const Table* table_ = nullptr;
  std::vector<Column> columns_;
  bool looked_up_ = false;  // in this query
  std::unique_ptr<KeyIndex> index_;
  std::map<std::string, std::vector<OrderedRow>, std::less<>> orders_;  // an inner loop asks again
};

}  // namespace gameflow::query
