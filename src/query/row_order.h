// ORDER BY done on the rows themselves, so that SQLite need not copy them into its sorter.
//
// Rows are sorted only as far as somebody reads: of a million, the first twenty cost a look at
// each.
//
// The order is SQLite's: NULL first, numbers by value, text and bytes by their bytes; equal rows by
// segment, then by key, so that it is the same whatever order the rows lie in. Only a u64 above
// 2^63 - 1 differs: here it sorts as the number that it is.
//
// Threads  one.
// Errors   TooLate past the deadline, std::bad_alloc; the rows are of no use then.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "query/author.h"
#include "query/query.h"
#include "query/scan.h"
#include "query/sqlite_process.h"

namespace gameflow::query {

struct Column;

struct OrderTerm {
  const Column* column = nullptr;  // null: by the table's segments
  bool descending = false;
};

struct OrderedRow {
  std::uint64_t rank;  // of one of the terms
  RowPlace place;
};

struct TooLate {};

// Whether rows can be sorted by such a column: all but objects and lists.
bool can_order_by(const Column& column);

class SortedRows {
 public:
  // All rows of the table in the order of `terms`; they decide between any two rows.
  SortedRows(const Table& table, std::vector<OrderTerm> terms, Deadline deadline);

  // The row at place `index` of the order; null past the end.
  const RowPlace* at(std::size_t index) {
    if (index >= sorted_ && !sort_more()) return nullptr;
    return &rows_[index].place;
  }
  // What at() most likely gives, for fetching ahead; `index` may be past the end.
  const RowPlace& guess(std::size_t index) const {
    return rows_[std::min(index, rows_.size() - 1)].place;
  }

 private:
  // In the budget of the query.
  using Rows = std::vector<OrderedRow, SqliteAllocator<OrderedRow>>;

  std::size_t common_key_prefix(Rows::iterator begin, Rows::iterator end);
  void rank(Rows::iterator begin, Rows::iterator end, const OrderTerm& term);
  bool is_less(const RowPlace& a, const RowPlace& b, std::size_t term) const;
  auto less(std::size_t term);
  bool sort_more();
  void sort(Rows::iterator begin, Rows::iterator end, std::size_t term);
  void check_time() {
    if (++checks_ % kChecksPerLook == 0) look_at_clock();
  }
  void look_at_clock() const;

  static constexpr std::uint32_t kChecksPerLook = 1U << 14;

  const Table& table_;
  RowAccess access_;
  std::vector<OrderTerm> terms_;
  Deadline deadline_;
  std::uint32_t checks_ = 0;
  Rows rows_;
  std::size_t sorted_ = 0;  // so many are in their place, their ranks of no meaning
};

}  // namespace gameflow::query
