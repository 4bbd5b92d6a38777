#include "state/growth.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>

#include "record/value_bytes.h"

namespace gameflow::state {
namespace {

// `count:u32` of a column.
std::string shape_of_column(const record::Field& field) {
  record::TypeTable types;
  const std::string shape = record::shape_of(*types.object("", {field}));
  return shape.substr(1, shape.size() - 2);
}

}  // namespace

std::shared_ptr<const GrownRow> GrownRow::from(const record::Type& row, std::string_view shape) {
  std::vector<record::Field> stored;
  std::vector<const record::Field*> now;
  for (const std::string_view column : record::columns_of(shape)) {
    const auto found = std::ranges::find(row.fields, column, shape_of_column);
    if (found == row.fields.end()) return nullptr;
    stored.push_back(*found);
    now.push_back(&*found);
  }
  std::shared_ptr<GrownRow> grown(new GrownRow);
  const record::Type* const type = grown->types_.object("", std::move(stored));
  if (record::shape_of(*type) != shape) return nullptr;
  grown->codec_ = std::make_unique<const RowCodec>(*type);
  for (std::size_t i = 0; i < now.size(); ++i) {
    const record::Field& field = type->fields[i];
    grown->pieces_.push_back({field.offset, now[i]->offset, field.type->size});
    if (field.optional) grown->pieces_.push_back({field.flag_offset, now[i]->flag_offset, 1});
  }
  return grown;
}

bool GrownRow::decode(const RowCodec& now, std::string_view stored, Arena& arena, void* row) const {
  // Rows are read so at a start only.
  std::vector<std::max_align_t> scratch(codec_->size() / sizeof(std::max_align_t) + 1);
  if (!codec_->decode(stored, arena, scratch.data())) return false;
  now.initialize(row);
  for (const Piece& piece : pieces_) {
    std::memcpy(static_cast<char*>(row) + piece.to,
                reinterpret_cast<const char*>(scratch.data()) + piece.from, piece.size);
  }
  return true;
}

}  // namespace gameflow::state
