// Rows to and from stored bytes, and the ownership of their text.
//
// A row is a struct (record::Type object) of scalars, text, lists of these, optionals of all of
// them, and sketches. "Text" is here whatever lies outside of the struct: the items of lists and
// the bytes of sketches, too. Stored: its fields in order, scalars as little-endian bytes, text and
// sketches with a varint length, lists with a varint count; behind an optional one a byte, 0 or 1.
// Format: docs/formats/state.md.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <gameflow/distinct.h>
#include <gameflow/quantiles.h>
#include <gameflow/types.h>

#include "base/bytes.h"
#include "record/slot.h"
#include "record/type.h"

namespace gameflow::state {

class RowCodec {
 public:
  explicit RowCodec(const record::Type& row);

  std::uint32_t size() const { return size_; }
  std::uint32_t align() const { return align_; }
  bool has_text() const { return !texts_.empty(); }

  // Zeros, empty text and empty sketches.
  void initialize(void* row) const { std::memcpy(row, blank_.data(), blank_.size()); }
  // With the length in front, so that a reader that does not know the type can skip it.
  void encode(const void* row, ByteWriter& out) const;
  // What encode wrote after the length. Text goes to `arena`. False where the bytes are no such
  // row.
  bool decode(std::string_view stored, Arena& arena, void* row) const;

  // Copies text that lies outside `owned` (a predicate on the address) into `arena`; returns the
  // bytes copied. What is owned does not change, as versions have it, too.
  template <class Owns>
  std::size_t adopt_text(void* row, Arena& arena, Owns&& owns) const;

 private:
  struct Run {  // adjacent bytes that are stored as they are
    std::uint32_t offset, size;
    bool text_follows;  // then the next of texts_
  };
  struct TextField {
    std::uint32_t offset;
    const record::Type* type;  // a string, list, distinct or quantiles
  };

  void add_run(std::uint32_t offset, std::uint32_t size);
  static void encode(const TextField& field, const char* row, ByteWriter& out);
  static std::size_t size_of(const TextField& field, const char* row);
  static bool decode(const TextField& field, ByteReader& in, Arena& arena, char* row);
  template <class Owns>
  static std::size_t adopt(Text& text, Arena& arena, Owns& owns);
  template <class Owns>
  static std::size_t adopt(record::ListLayout& list, const record::Type& item, Arena& arena,
                           Owns& owns);
  template <class Sketch, class Owns>
  static std::size_t adopt_sketch(Sketch& sketch, Arena& arena, Owns& owns);

  std::uint32_t size_, align_;
  std::vector<char> blank_;
  std::uint32_t fixed_bytes_ = 0;  // of all runs
  std::vector<Run> runs_;
  std::vector<TextField> texts_;
};

template <class Owns>
std::size_t RowCodec::adopt(Text& text, Arena& arena, Owns& owns) {
  if (text.empty() || owns(text.data())) return 0;
  text = Text::view({arena.copy(text.data(), text.size()), text.size()});
  return text.size();
}

template <class Owns>
std::size_t RowCodec::adopt(record::ListLayout& list, const record::Type& item, Arena& arena,
                            Owns& owns) {
  if (list.data == nullptr || (list.size != 0 && owns(list.data))) return 0;
  if (list.size == 0) {
    list = {};
    return 0;
  }
  std::size_t copied = std::size_t{list.size} * item.size;
  auto* const data = static_cast<char*>(arena.allocate(copied, item.align));
  std::memcpy(data, list.data, copied);
  list = {data, list.size, list.size};
  if (item.kind == record::Kind::kString) {
    auto* const texts = reinterpret_cast<Text*>(data);
    for (std::uint32_t i = 0; i < list.size; ++i) copied += adopt(texts[i], arena, owns);
  }
  return copied;
}

template <class Sketch, class Owns>
std::size_t RowCodec::adopt_sketch(Sketch& sketch, Arena& arena, Owns& owns) {
  using Access = detail::SketchAccess;
  if (Access::is_settled(sketch)) {
    const std::string_view bytes = Access::bytes(sketch);
    if (bytes.empty() || owns(bytes.data())) return 0;
  }
  Access::settle(sketch, arena);
  return Access::bytes(sketch).size();
}

template <class Owns>
std::size_t RowCodec::adopt_text(void* row, Arena& arena, Owns&& owns) const {
  std::size_t copied = 0;
  for (const TextField& field : texts_) {
    char* const at = static_cast<char*>(row) + field.offset;
    switch (field.type->kind) {
      case record::Kind::kDistinct:
        copied += adopt_sketch(*reinterpret_cast<Distinct*>(at), arena, owns);
        break;
      case record::Kind::kQuantiles:
        copied += adopt_sketch(*reinterpret_cast<Quantiles*>(at), arena, owns);
        break;
      case record::Kind::kList:
        copied += adopt(*reinterpret_cast<record::ListLayout*>(at), *field.type->item, arena, owns);
        break;
      default:
        copied += adopt(*reinterpret_cast<Text*>(at), arena, owns);
    }
  }
  return copied;
}

}  // namespace gameflow::state
