// Rows that were stored before their type got more columns.
//
// Threads  immutable once made.
#pragma once

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <gameflow/types.h>

#include "record/type.h"
#include "state/row_codec.h"

namespace gameflow::state {

class GrownRow {
 public:
  // For rows stored with `shape`, which record::shape_of gave. Null where that is not made of
  // columns of `row`, by name and type, in any order.
  static std::shared_ptr<const GrownRow> from(const record::Type& row, std::string_view shape);

  // As RowCodec::decode; columns that were not stored begin as in a new row.
  bool decode(const RowCodec& now, std::string_view stored, Arena& arena, void* row) const;

 private:
  GrownRow() = default;

  struct Piece {  // of a column, in the row that was stored and in that of now
    std::uint32_t from, to, size;
  };
  record::TypeTable types_;
  std::unique_ptr<const RowCodec> codec_;
  std::vector<Piece> pieces_;
};

// Where the rows of a stored state belong.
struct RowSource {
  RowSource(int number, std::shared_ptr<const GrownRow> from = nullptr)
      : state(number), grown(std::move(from)) {}

  int state;                              // its number now; -1: it is gone
  std::shared_ptr<const GrownRow> grown;  // null: its rows are stored as they are now
};

}  // namespace gameflow::state
