// ORDER BY done on the rows themselves, so that SQLite need not copy them into its sorter.
//
// What decides is a rank of 64 bits, made of as many terms as it holds. Rows are put where its
// highest bits that differ belong, then by the next, only as far as somebody reads (an MSD radix
// sort, in place): 100,000 rows by a count and their keys take 50 ns each, and took 140 by
// comparing; of a million, the first twenty cost a few looks at each.
//
// The order is SQLite's: NULL first, numbers by value, text and bytes by their bytes; equal rows by
// segment, then by key, so that it is the same whatever order the rows lie in.
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
  std::uint64_t rank;  // rows of a range that have other ones are ordered as they are
  RowPlace place;
};

struct TooLate {};

// Whether rows can be sorted by such a column: not by what is JSON in SQL.
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

  // Rows that come before all behind them and after all in front of them, in no order themselves.
  struct Range {
    std::size_t end;
    std::size_t undecided;  // the first term that equal ranks say nothing of
  };

  std::size_t common_key_prefix(Rows::iterator begin, Rows::iterator end);
  template <class Use>
  void each_rank(Rows::iterator begin, Rows::iterator end, const OrderTerm& term, Use use);
  std::size_t rank(Rows::iterator begin, Rows::iterator end, std::size_t term);
  bool is_less(const RowPlace& a, const RowPlace& b, std::size_t term) const;
  bool sort_more();
  bool refine(std::size_t begin);
  void split(std::size_t begin, Range range, int shift);
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
  std::size_t sorted_ = 0;     // so many are in their place, their ranks of no meaning
  std::vector<Range> ranges_;  // of the others, the first one last
};

}  // namespace gameflow::query
