// Rows to and from stored bytes, and the ownership of their text.
//
// A row is a struct of scalars and text (record::Type object without optionals). Stored: its fields
// in order, scalars as little-endian bytes, text with a varint length. Format:
// docs/formats/state.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <gameflow/types.h>

#include "base/bytes.h"
#include "record/type.h"

namespace gameflow::state {

class RowCodec {
 public:
  explicit RowCodec(const record::Type& row);

  std::uint32_t size() const { return size_; }
  std::uint32_t align() const { return align_; }
  bool has_text() const { return !texts_.empty(); }

  void initialize(void* row) const;  // zeros and empty text
  // With the length in front, so that a reader that does not know the type can skip it.
  void encode(const void* row, ByteWriter& out) const;
  // What encode wrote after the length. Text goes to `arena`. False where the bytes are no such
  // row.
  bool decode(std::string_view stored, Arena& arena, void* row) const;

  // Copies text that lies outside `owned` (a predicate on the address) into `arena`; returns the
  // bytes copied.
  template <class Owns>
  std::size_t adopt_text(void* row, Arena& arena, Owns&& owns) const;

 private:
  struct Run {  // adjacent bytes that are stored as they are
    std::uint32_t offset, size;
    bool text_follows;  // then the next text of texts_
  };
  std::uint32_t size_, align_;
  std::uint32_t fixed_bytes_ = 0;  // of all runs
  std::vector<Run> runs_;
  std::vector<std::uint32_t> texts_;  // offsets
};

template <class Owns>
std::size_t RowCodec::adopt_text(void* row, Arena& arena, Owns&& owns) const {
  std::size_t copied = 0;
  for (const std::uint32_t offset : texts_) {
    auto& text = *reinterpret_cast<Text*>(static_cast<char*>(row) + offset);
    if (text.empty() || owns(text.data())) continue;
    text = Text::view({arena.copy(text.data(), text.size()), text.size()});
    copied += text.size();
  }
  return copied;
}

}  // namespace gameflow::state
