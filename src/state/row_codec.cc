#include "state/row_codec.h"

#include <cstring>

#include "record/visit.h"

namespace gameflow::state {

using record::Kind;
using record::ListLayout;

namespace {

using Access = detail::SketchAccess;

// What is text in the field: a string, or the bytes of a sketch, which is settled.
std::string_view text_of(const record::Type& type, const char* slot) {
  switch (type.kind) {
    case Kind::kDistinct:
      return Access::bytes(*reinterpret_cast<const Distinct*>(slot));
    case Kind::kQuantiles:
      return Access::bytes(*reinterpret_cast<const Quantiles*>(slot));
    default:
      return record::load<Text>(slot).view();
  }
}

template <class Sketch>
bool read_sketch(std::string_view stored, Arena& arena, void* slot) {
  auto* const bytes = static_cast<char*>(arena.allocate(stored.size(), alignof(u64)));
  stored.copy(bytes, stored.size());
  auto& sketch = *static_cast<Sketch*>(slot);
  if constexpr (std::same_as<Sketch, Quantiles>) {
    const u32 accuracy = sketch.accuracy();
    return Access::read({bytes, stored.size()}, sketch) && sketch.accuracy() == accuracy;
  } else {
    return Access::read({bytes, stored.size()}, sketch);
  }
}

}  // namespace

RowCodec::RowCodec(const record::Type& row) : size_(row.size), align_(row.align), blank_(row.size) {
  row.clear(blank_.data());
  for (const record::Field& field : row.fields) {
    const Kind kind = field.type->kind;
    if (kind == Kind::kString) {
      const Text empty;
      std::memcpy(&blank_[field.offset], &empty, sizeof empty);
    }
    if (kind == Kind::kString || kind == Kind::kList || record::is_sketch(kind)) {
      if (runs_.empty() || runs_.back().text_follows) runs_.push_back({field.offset, 0, true});
      runs_.back().text_follows = true;
      texts_.push_back({field.offset, field.type});
    } else {
      add_run(field.offset, field.type->size);
    }
    if (field.optional) add_run(field.flag_offset, 1);
  }
}

void RowCodec::add_run(std::uint32_t offset, std::uint32_t size) {
  const bool adjacent = !runs_.empty() && !runs_.back().text_follows &&
                        runs_.back().offset + runs_.back().size == offset;
  if (adjacent) {
    runs_.back().size += size;
  } else {
    runs_.push_back({offset, size, false});
  }
  fixed_bytes_ += size;
}

std::size_t RowCodec::size_of(const TextField& field, const char* row) {
  if (field.type->kind != Kind::kList)
    return ByteWriter::text_size(text_of(*field.type, row + field.offset));
  const auto list = record::load<ListLayout>(row + field.offset);
  std::size_t size = 1;
  for (std::uint32_t rest = list.size; rest >= 0x80; rest >>= 7) ++size;
  const record::Type& item = *field.type->item;
  if (item.kind != Kind::kString) return size + std::size_t{list.size} * item.size;
  const auto* const texts = reinterpret_cast<const Text*>(list.data);
  for (std::uint32_t i = 0; i < list.size; ++i) size += ByteWriter::text_size(texts[i].view());
  return size;
}

void RowCodec::encode(const TextField& field, const char* row, ByteWriter& out) {
  if (field.type->kind != Kind::kList) return out.text(text_of(*field.type, row + field.offset));
  const auto list = record::load<ListLayout>(row + field.offset);
  const record::Type& item = *field.type->item;
  out.varint(list.size);
  if (item.kind != Kind::kString) return out.bytes({list.data, std::size_t{list.size} * item.size});
  const auto* const texts = reinterpret_cast<const Text*>(list.data);
  for (std::uint32_t i = 0; i < list.size; ++i) out.text(texts[i].view());
}

void RowCodec::encode(const void* row, ByteWriter& out) const {
  const auto* bytes = static_cast<const char*>(row);
  std::size_t size = fixed_bytes_;
  for (const TextField& field : texts_) size += size_of(field, bytes);
  out.varint(size);
  auto text = texts_.begin();
  for (const Run& run : runs_) {
    out.bytes({bytes + run.offset, run.size});
    if (run.text_follows) encode(*text++, bytes, out);
  }
}

bool RowCodec::decode(const TextField& field, ByteReader& in, Arena& arena, char* row) {
  const auto copy = [&](std::string_view text) {
    return Text::view({arena.copy(text.data(), text.size()), text.size()});
  };
  char* const slot = row + field.offset;
  if (field.type->kind == Kind::kDistinct) return read_sketch<Distinct>(in.text(), arena, slot);
  if (field.type->kind == Kind::kQuantiles) return read_sketch<Quantiles>(in.text(), arena, slot);
  if (field.type->kind == Kind::kString) {
    const Text text = copy(in.text());
    std::memcpy(slot, &text, sizeof text);
    return in.ok();
  }
  const record::Type& item = *field.type->item;
  const std::uint64_t count = in.varint();
  const bool is_text = item.kind == Kind::kString;
  const std::size_t bytes_min = is_text ? 1 : item.size;  // of an item, stored
  if (!in.ok() || count > in.rest().size() / bytes_min || count > UINT32_MAX) return false;
  if (count == 0) return true;
  auto* const data = static_cast<char*>(arena.allocate(count * item.size, item.align));
  if (is_text) {
    for (std::uint64_t i = 0; i < count; ++i) new (data + i * sizeof(Text)) Text(copy(in.text()));
  } else {
    const std::string_view items = in.bytes(count * item.size);
    if (!items.empty()) std::memcpy(data, items.data(), items.size());
  }
  const auto size = static_cast<std::uint32_t>(count);
  const ListLayout list{data, size, size};
  std::memcpy(slot, &list, sizeof list);
  return in.ok();
}

bool RowCodec::decode(std::string_view stored, Arena& arena, void* row) const {
  ByteReader in(stored);
  auto* bytes = static_cast<char*>(row);
  initialize(row);
  auto text = texts_.begin();
  for (const Run& run : runs_) {
    const std::string_view plain = in.bytes(run.size);
    if (!in.ok()) return false;
    if (run.size != 0) std::memcpy(bytes + run.offset, plain.data(), run.size);
    if (run.text_follows && !decode(*text++, in, arena, bytes)) return false;
  }
  return in.ok() && in.at_end();
}

}  // namespace gameflow::state
