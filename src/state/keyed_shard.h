// The rows of one shard of one window: key to entry, and which entries changed.
//
// Addresses of entries are stable until the shard is destroyed. Rows own their text: see own_text.
//
// Threads  one at a time.
// Errors   running out of memory throws std::bad_alloc.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_set.hpp>

#include "base/bytes.h"
#include "base/time.h"
#include "record/arena.h"
#include "state/layout.h"

namespace gameflow::state {

class KeyedShard {
 public:
  explicit KeyedShard(const Layout& layout);
  KeyedShard(const KeyedShard&) = delete;
  KeyedShard& operator=(const KeyedShard&) = delete;

  // The entry of the key; made, with initialised rows that are not live, if there is none.
  Entry* find_or_insert(std::string_view key, std::uint64_t hash);
  const Entry* find(std::string_view key, std::uint64_t hash) const;

  // Notes that the rows of the states in the mask `states` changed at `now`.
  void mark_changed(Entry* entry, std::uint32_t states, Timestamp now) {
    if (entry->dirty == 0) dirty_.push_back(entry);
    entry->dirty |= states;
    entry->live |= states;
    entry->updated_at = now;
  }

  bool has_changes() const { return !dirty_.empty(); }

  // After a round of updates: copies text that operators left pointing outside into the shard. Must
  // be called before the memory those updates read from goes away.
  void own_text();

  // Appends the rows changed since the last call, and how many entries that was, in the form that
  // load() reads.
  std::size_t take_changes(ByteWriter& out);
  // Appends all live rows in the same form; changes count as taken.
  std::size_t take_all(ByteWriter& out);
  // Reads one entry written by take_changes or take_all; a later one replaces what an earlier one
  // said of the same state. `states` maps the states as they were stored to this layout's; -1: the
  // state is gone and its row is skipped. False where the bytes are not an entry.
  bool load(ByteReader& in, const std::vector<int>& states);

  // Calls visit(entry) for every entry, in no particular order.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const Entry* entry : entries_) visit(entry);
  }

  std::size_t size() const { return entries_.size(); }
  std::size_t bytes() const;

 private:
  struct Probe {
    std::string_view key;
    std::uint64_t hash;
  };
  struct Hash {
    using is_transparent = void;
    using is_avalanching = void;
    std::size_t operator()(const Entry* entry) const { return entry->hash; }
    std::size_t operator()(const Probe& probe) const { return probe.hash; }
  };
  struct Equal {
    using is_transparent = void;
    const Layout* layout;
    bool operator()(const Entry* a, const Entry* b) const { return a == b; }
    bool operator()(const Probe& probe, const Entry* entry) const {
      return probe.hash == entry->hash && probe.key == layout->key(entry);
    }
    bool operator()(const Entry* entry, const Probe& probe) const { return (*this)(probe, entry); }
  };

  void write_entry(const Entry* entry, std::uint32_t states, ByteWriter& out) const;
  void compact_text();

  const Layout& layout_;
  record::BlockArena entry_memory_;
  // One in use, the other empty except while compact_text() moves text over.
  record::BlockArena text_memory_[2];
  std::size_t text_active_ = 0;
  std::size_t text_bytes_written_ = 0;  // into the active one
  std::size_t text_bytes_kept_ = 0;     // of those, live at the last compaction
  boost::unordered_flat_set<Entry*, Hash, Equal> entries_;
  std::vector<Entry*> dirty_;
};

}  // namespace gameflow::state
