#include "state/keyed_shard.h"

#include <cstring>

namespace gameflow::state {
namespace {

// Windows come and go every few seconds, each with kShards shards: small ones must cost little.
constexpr std::size_t kFirstBlockBytes = 512;
constexpr std::size_t kTextWasteBytesMin = 1U << 20;

}  // namespace

KeyedShard::KeyedShard(const Layout& layout)
    : layout_(layout),
      entry_memory_(kFirstBlockBytes),
      text_memory_{record::BlockArena(kFirstBlockBytes), record::BlockArena(kFirstBlockBytes)},
      entries_(0, Hash{}, Equal{&layout}) {}

Entry* KeyedShard::find_or_insert(std::string_view key, std::uint64_t hash) {
  if (const auto found = entries_.find(Probe{key, hash}); found != entries_.end()) return *found;
  auto* entry = static_cast<Entry*>(entry_memory_.allocate(layout_.entry_bytes(key.size()), 16));
  *entry = Entry{.hash = hash,
                 .key_size = static_cast<std::uint32_t>(key.size()),
                 .live = 0,
                 .dirty = 0,
                 .updated_at = {}};
  for (std::size_t state = 0; state < layout_.state_count(); ++state) {
    layout_.codec(state).initialize(layout_.row(entry, state));
  }
  std::memcpy(reinterpret_cast<char*>(entry) + layout_.key_offset(), key.data(), key.size());
  entries_.insert(entry);
  return entry;
}

const Entry* KeyedShard::find(std::string_view key, std::uint64_t hash) const {
  const auto found = entries_.find(Probe{key, hash});
  return found == entries_.end() ? nullptr : *found;
}

void KeyedShard::own_text() {
  if (!layout_.has_text()) return;
  record::BlockArena& memory = text_memory_[text_active_];
  const auto owns = [&memory](const char* data) { return memory.contains(data); };
  for (Entry* entry : dirty_) {
    for (std::size_t state = 0; state < layout_.state_count(); ++state) {
      text_bytes_written_ +=
          layout_.codec(state).adopt_text(layout_.row(entry, state), memory, owns);
    }
  }
  if (text_bytes_written_ > kTextWasteBytesMin && text_bytes_written_ > 2 * text_bytes_kept_)
    compact_text();
}

// Replaced text stays in the arena as waste; moving the live text over bounds it to half.
void KeyedShard::compact_text() {
  record::BlockArena& target = text_memory_[1 - text_active_];
  std::size_t kept = 0;
  for (Entry* entry : entries_) {
    for (std::size_t state = 0; state < layout_.state_count(); ++state) {
      kept += layout_.codec(state).adopt_text(layout_.row(entry, state), target,
                                              [](const char*) { return false; });
    }
  }
  text_memory_[text_active_].reset(0);
  text_active_ = 1 - text_active_;
  text_bytes_written_ = text_bytes_kept_ = kept;
}

void KeyedShard::write_entry(const Entry* entry, std::uint32_t states, ByteWriter& out) const {
  out.text(layout_.key(entry));
  out.varint(states);
  out.signed_varint(entry->updated_at.ms);
  for (std::size_t state = 0; state < layout_.state_count(); ++state) {
    if ((states >> state & 1U) != 0) layout_.codec(state).encode(layout_.row(entry, state), out);
  }
}

std::size_t KeyedShard::take_changes(ByteWriter& out) {
  for (Entry* entry : dirty_) {
    write_entry(entry, entry->dirty, out);
    entry->dirty = 0;
  }
  const std::size_t count = dirty_.size();
  dirty_.clear();
  return count;
}

std::size_t KeyedShard::take_all(ByteWriter& out) {
  std::size_t count = 0;
  for (Entry* entry : entries_) {
    entry->dirty = 0;
    if (entry->live == 0) continue;
    write_entry(entry, entry->live, out);
    ++count;
  }
  dirty_.clear();
  return count;
}

bool KeyedShard::load(ByteReader& in, const std::vector<int>& states) {
  const std::string_view key = in.text();
  const std::uint64_t mask = in.varint();
  const Timestamp updated_at{in.signed_varint()};
  if (!in.ok() || mask >> states.size() != 0) return false;
  Entry* entry = find_or_insert(key, hash_key(key));
  entry->updated_at = updated_at;
  for (std::size_t stored = 0; stored < states.size(); ++stored) {
    if ((mask >> stored & 1U) == 0) continue;
    const std::string_view row = in.text();
    if (!in.ok()) return false;
    if (states[stored] < 0) continue;
    const auto state = static_cast<std::size_t>(states[stored]);
    if (!layout_.codec(state).decode(row, text_memory_[text_active_], layout_.row(entry, state)))
      return false;
    entry->live |= 1U << state;
  }
  return true;
}

std::size_t KeyedShard::bytes() const {
  return entry_memory_.capacity_bytes() + text_memory_[0].capacity_bytes() +
         text_memory_[1].capacity_bytes() + entries_.bucket_count() * sizeof(void*);
}

}  // namespace gameflow::state
