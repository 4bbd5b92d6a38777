#include "state/layout.h"

#include <xxhash.h>

namespace gameflow::state {

std::uint64_t hash_key(std::string_view key) {
  return XXH3_64bits(key.data(), key.size());
}

Layout::Layout(const std::vector<const record::Type*>& rows) {
  std::uint32_t offset = sizeof(Entry);
  for (const record::Type* row : rows) {
    codecs_.emplace_back(*row);
    offset = (offset + row->align - 1) / row->align * row->align;
    offsets_.push_back(offset);
    offset += row->size;
    has_text_ = has_text_ || codecs_.back().has_text();
  }
  key_offset_ = offset;
}

}  // namespace gameflow::state
