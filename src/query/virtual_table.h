// A Table as SQLite sees it: an eponymous, read-only virtual table over versions of rows.
//
// What a column holds: integers and bools as INTEGER, floats as REAL, strings as TEXT (not copied),
// bytes as BLOB, timestamps as INTEGER ms, enums as the names of their variants, decimals as REAL
// (decimal_value.h), a u64 above 2^63 - 1 as TEXT (large_u64.h), sketches as BLOB
// (sketch_functions.h), all else as its JSON text, an absent optional as NULL.
//
// A field whose name in YAML is another one than in C++ is known by both; the first is hidden from
// `select *`.
//
// Threads  one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "query/author.h"
#include "query/long_decimals.h"
#include "query/query.h"
#include "query/row_order.h"
#include "query/scan.h"
#include "record/type.h"
#include "record/visit.h"

struct sqlite3;
struct sqlite3_context;

namespace gameflow::query {

// What a column is declared as: "INTEGER", "REAL", "DECIMAL(2)", "TEXT" or "BLOB", or as
// large_u64.h and sketch_functions.h say. `type` may be null for a kind that needs no more to be
// said.
std::string declared_type(record::Kind kind, const record::Type* type);
// How long what a slot points to stays.
enum class Lifetime : std::uint8_t { kQuery, kRow };
// Gives the value of a slot to SQLite, as said above.
void give_value(sqlite3_context* context, const record::Type& type, const char* slot,
                Lifetime lifetime, LongDecimals& decimals);
// What a virtual table says of itself. Its rows are known by their key (RIGHT JOIN and OR need to
// know them again), not by a rowid: it would have to be the same however the row was come by, and
// from run to run.
class Declaration {
 public:
  void add(std::string_view name, std::string_view type, bool is_hidden, bool is_in_key);
  std::string text() const;

 private:
  std::string columns_, key_;
};

// Where one column's value is.
struct Column {
  enum class Source : std::uint8_t {
    kKey,
    kField,
    kUpdatedAt,
    kSessionStart,
    kSessionEnd,
    kConstant
  };
  Source source;
  record::Kind kind;
  bool optional = false;
  std::uint32_t offset = 0;            // kField: in the row; kConstant: in Segment::constants
  std::uint32_t flag_offset = 0;       // optional only
  const record::Type* type = nullptr;  // kField only
  std::string name;
  bool is_hidden = false;
};

using record::load;

// One name in SQL and the table that it stands for at the moment. SQLite holds its address.
class TableSlot {
 public:
  // `decimals` is that of the query that runs.
  explicit TableSlot(LongDecimals& decimals) : decimals_(decimals) {}
  TableSlot(const TableSlot&) = delete;
  TableSlot& operator=(const TableSlot&) = delete;

  // kInvalidArgument: a name, key kind or column that cannot be in SQL, or (when a table is there
  // already) another shape than before.
  Status set(const Table* table);
  // Makes the name known to `db`. Once, after the first set().
  Status attach(sqlite3* db);
  // Looks at the table's segments afresh, and forgets what was kept for the last query.
  void begin_query(Author author, Deadline deadline);
  void end_query() { orders_.clear(); }

  const Table& table() const { return *table_; }
  LongDecimals& decimals() const { return decimals_; }
  const std::vector<Column>& columns() const { return columns_; }
  const RowAccess& access() const { return access_; }
  std::size_t rows() const {
    if (!rows_) rows_ = table_->rows();
    return *rows_;
  }
  // Whether the query sees the rows in order of key where it does not say another.
  bool scans_in_order() const {
    return author_ == Author::kOperator || rows() <= Table::kRowsInOrderMax;
  }
  // Appends the rows with the encoded `key`.
  void find(std::string_view key, std::vector<RowPlace>& places) const;
  // All rows in the order that `text` stands for: for each term the column's number and 'a' or 'd';
  // none: segment by segment in order of key. Valid until the next query.
  SortedRows& in_order(std::string_view text);

 private:
  void show(const Table* table);
  void find_sessions(std::string_view key, std::vector<RowPlace>& places) const;

  LongDecimals& decimals_;
  const Table* table_ = nullptr;
  std::vector<Column> columns_;
  RowAccess access_;
  mutable std::optional<std::size_t> rows_;  // counted when first asked for
  Author author_ = Author::kPerson;
  Deadline deadline_;
  std::map<std::string, SortedRows, std::less<>> orders_;  // an inner loop asks again
};

}  // namespace gameflow::query
