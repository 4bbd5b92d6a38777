// Where a table gets its rows from at once: stored bytes, another table, merged runs.
#include <cstring>
#include <utility>

#include "state/table.h"

namespace gameflow::state {
namespace {

constexpr std::size_t kDeadMin = 64;

}  // namespace

bool Table::is_mostly_dead() const {
  return idle_ > kDeadMin && idle_ > map_.keys / 2;
}

void Table::copy_rows(const Table& other) {
  reserve(other.map_.keys - other.dead_);
  other.peek()->for_each([&](const Entry* from) {
    if (from->live == 0) return;
    const std::string_view key = layout_.key(from);
    Entry* const to = edit(insert_new(key, hash_key(key)));
    std::memcpy(static_cast<void*>(to + 1), from + 1, layout_.mutable_bytes() - sizeof(Entry));
    mark_changed(to, from->live, from->updated_at);
  });
  own_text();
  commit();
}

void Table::take_rows(std::span<const RunItem> items) {
  reserve(items.size());
  for (const RunItem& item : items) {
    const std::size_t bytes = layout_.entry_bytes(item.entry->key_size);
    const std::uint32_t ref = place_entry(bytes);
    auto* const entry = const_cast<Entry*>(map_.entry(ref));
    std::memcpy(static_cast<void*>(entry), item.entry, bytes);
    entry->changed = 0;
    entry->saved = Saved::kNot;
    if (layout_.has_text()) text_bytes_ += adopt_text(entry, true);
    insert(item.hash, ref);
    ++map_.keys;
    ++dead_;
    set_live(entry, std::exchange(entry->live, 0));
  }
  commit();
}

bool Table::load(ByteReader& in, const std::vector<RowSource>& states, std::uint32_t timed) {
  const std::string_view key = in.text();
  const std::uint64_t mask = in.varint();
  const Timestamp updated_at{in.signed_varint()};
  const auto live = static_cast<std::uint32_t>(mask);
  const auto gone = static_cast<std::uint32_t>(mask >> Layout::kGoneShift);
  if (!in.ok() || (live & gone) != 0 || (std::uint64_t{live} | gone) >> states.size() != 0 ||
      key.size() > Layout::kKeyBytesMax)
    return false;
  Entry* entry = find_or_insert(key, hash_key(key));
  entry->updated_at = updated_at;
  if (layout_.has_sessions() && live != 0) {
    const Timestamp first{in.signed_varint()}, last{in.signed_varint()};
    if (!in.ok() || last < first) return false;
    SessionTimes& session = layout_.session(entry);
    session.first = first;
    session.last = last;
  }
  for (std::size_t stored = 0; stored < states.size(); ++stored) {
    const bool is_live = (live >> stored & 1U) != 0;
    const std::string_view row = is_live ? in.text() : std::string_view();
    const bool has_time = is_live && (timed >> stored & 1U) != 0;
    const Timestamp seen_at = has_time ? Timestamp{in.signed_varint()} : updated_at;
    if (!in.ok()) return false;
    if (states[stored].state < 0) continue;
    const auto state = static_cast<std::size_t>(states[stored].state);
    if (!is_live && (gone >> stored & 1U) == 0) continue;
    if (!is_live) {
      set_dead(entry, 1U << state);
      layout_.initialize(entry, state);
      continue;
    }
    const RowCodec& codec = layout_.codec(state);
    const GrownRow* const grown = states[stored].grown.get();
    void* const to = layout_.row(entry, state);
    if (!(grown != nullptr ? grown->decode(codec, row, text_, to) : codec.decode(row, text_, to)))
      return false;
    if (layout_.is_timed(state)) layout_.times(entry, state) = {seen_at.ms, 0};
    set_live(entry, 1U << state);
  }
  return true;
}

}  // namespace gameflow::state
