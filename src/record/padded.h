// Texts in an arena that decoders and columns may read past.
#pragma once

#include <cstring>
#include <string_view>

#include <gameflow/arena.h>

#include "record/batch.h"

namespace gameflow::record {

// The text, in the arena and readable for kPaddingBytes past its end. What the arena gives next
// lies there, so that small texts do not cost an empty room each.
inline std::string_view copy_padded(Arena& arena, std::string_view text) {
  auto* const copy = static_cast<char*>(arena.allocate(text.size() + kPaddingBytes, 1));
  text.copy(copy, text.size());
  std::memset(copy + text.size(), 0, kPaddingBytes);
  arena.cursor -= kPaddingBytes;
  return {copy, text.size()};
}

}  // namespace gameflow::record
