#include "state/layout.h"

#include <new>

#define XXH_INLINE_ALL  // short keys: the call through a table costs as much as the hash
#include <xxhash.h>

namespace gameflow::state {

std::uint64_t hash_key(std::string_view key) {
  return XXH3_64bits(key.data(), key.size());
}

Layout::Layout(const std::vector<const record::Type*>& rows, const std::vector<Duration>& ttls,
               std::optional<Duration> session_gap)
    : ttls_(ttls), session_gap_(session_gap) {
  ttls_.resize(rows.size());
  std::uint32_t offset = sizeof(Entry) + (session_gap ? sizeof(SessionTimes) : 0);
  for (std::size_t state = 0; state < rows.size(); ++state) {
    const record::Type* const row = rows[state];
    codecs_.emplace_back(*row);
    if (ttls_[state].ms != 0) {
      timed_ |= 1U << state;
      offset += sizeof(abi::RowTimes);
    }
    offset = (offset + row->align - 1) / row->align * row->align;
    offsets_.push_back(offset);
    offset += row->size;
    has_text_ = has_text_ || codecs_.back().has_text();
  }
  key_offset_ = offset;
}

Entry* Layout::make_entry(void* memory, std::string_view key) const {
  auto* entry = new (memory) Entry{.updated_at = {},
                                   .live = 0,
                                   .key_size = static_cast<std::uint16_t>(key.size()),
                                   .changed = 0,
                                   .saved = Saved::kNot};
  if (has_sessions()) session(entry) = {};
  for (std::size_t state = 0; state < codecs_.size(); ++state) initialize(entry, state);
  key.copy(static_cast<char*>(memory) + key_offset_, key.size());
  return entry;
}

void Layout::initialize(Entry* entry, std::size_t state) const {
  codecs_[state].initialize(row(entry, state));
  if (is_timed(state)) times(entry, state) = {abi::kNever, 0};
}

void Layout::encode(const Entry* entry, ByteWriter& out) const {
  out.text(key(entry));
  const std::uint64_t gone = ~entry->live & ((std::uint64_t{1} << codecs_.size()) - 1);
  out.varint(entry->live | gone << kGoneShift);
  out.signed_varint(entry->updated_at.ms);
  if (has_sessions() && entry->live != 0) {
    out.signed_varint(session(entry).first.ms);
    out.signed_varint(session(entry).last.ms);
  }
  for (std::size_t state = 0; state < codecs_.size(); ++state) {
    if ((entry->live >> state & 1U) == 0) continue;
    codecs_[state].encode(row(entry, state), out);
    if (is_timed(state)) out.signed_varint(times(entry, state).seen_at);
  }
}

}  // namespace gameflow::state
