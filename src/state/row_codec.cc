#include "state/row_codec.h"

#include <cstring>

namespace gameflow::state {

RowCodec::RowCodec(const record::Type& row) : size_(row.size), align_(row.align) {
  for (const record::Field& field : row.fields) {
    if (field.type->kind == record::Kind::kString) {
      if (runs_.empty() || runs_.back().text_follows) runs_.push_back({field.offset, 0, true});
      runs_.back().text_follows = true;
      texts_.push_back(field.offset);
      continue;
    }
    const bool adjacent = !runs_.empty() && !runs_.back().text_follows &&
                          runs_.back().offset + runs_.back().size == field.offset;
    if (adjacent) {
      runs_.back().size += field.type->size;
    } else {
      runs_.push_back({field.offset, field.type->size, false});
    }
    fixed_bytes_ += field.type->size;
  }
}

void RowCodec::initialize(void* row) const {
  std::memset(row, 0, size_);
  for (const std::uint32_t offset : texts_) new (static_cast<char*>(row) + offset) Text();
}

void RowCodec::encode(const void* row, ByteWriter& out) const {
  const auto* bytes = static_cast<const char*>(row);
  const auto text_at = [bytes](std::uint32_t offset) {
    return reinterpret_cast<const Text*>(bytes + offset)->view();
  };
  std::size_t size = fixed_bytes_;
  for (const std::uint32_t offset : texts_) size += ByteWriter::text_size(text_at(offset));
  out.varint(size);
  auto text = texts_.begin();
  for (const Run& run : runs_) {
    out.bytes({bytes + run.offset, run.size});
    if (run.text_follows) out.text(text_at(*text++));
  }
}

bool RowCodec::decode(std::string_view stored, Arena& arena, void* row) const {
  ByteReader in(stored);
  auto* bytes = static_cast<char*>(row);
  initialize(row);
  auto text = texts_.begin();
  for (const Run& run : runs_) {
    const std::string_view plain = in.bytes(run.size);
    if (!in.ok()) return false;
    std::memcpy(bytes + run.offset, plain.data(), run.size);
    if (!run.text_follows) continue;
    const std::string_view value = in.text();
    *reinterpret_cast<Text*>(bytes + *text++) =
        Text::view({arena.copy(value.data(), value.size()), value.size()});
  }
  return in.ok() && in.at_end();
}

}  // namespace gameflow::state
