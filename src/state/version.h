// The rows of one shard of one window as they were when they were sealed.
//
// Threads  any number, for as long as they like; the last one to let go of a version frees what no
//          other version contains.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "state/layout.h"
#include "state/page.h"

namespace gameflow::state {

// Twelve slots of the index, 64 bytes: a tag of 8 bits of the key's hash for each, and where its
// entry is. Comparing all tags at once decides nearly every look-up with one look at one entry.
struct IndexGroup {
  static constexpr std::size_t kSlots = 12;

  std::uint64_t tags[2];  // a byte each, 0: free; the upper four of the second are not used
  std::uint32_t refs[kSlots];

  // Slots in a mask: slot i is bit 8 * i, slot 8 + i is bit 8 * i + 1.
  using Mask = std::uint64_t;
  static std::size_t first(Mask mask) {
    const auto bit = static_cast<std::size_t>(std::countr_zero(mask));
    return bit / 8 + bit % 2 * 8;
  }
  // Those with the tag. Beside the lowest it may hold others that have another one, or are free.
  Mask matching(std::uint8_t tag) const {
    return zero_bytes(tags[0] ^ tag * kOnes) >> 7 |
           (zero_bytes(tags[1] ^ tag * kOnes) & kSecondTags) >> 6;
  }
  Mask free() const { return matching(0); }
  void fill(std::size_t slot, std::uint8_t tag, std::uint32_t ref) {
    tags[slot / 8] |= std::uint64_t{tag} << slot % 8 * 8;
    refs[slot] = ref;
  }
  std::optional<std::size_t> slot_of(std::uint32_t ref) const {
    for (std::size_t slot = 0; slot < kSlots; ++slot) {
      const bool is_taken = (tags[slot / 8] >> slot % 8 * 8 & 0xff) != 0;
      if (is_taken && refs[slot] == ref) return slot;
    }
    return std::nullopt;
  }
  void clear(std::size_t slot) {
    tags[slot / 8] &= ~(std::uint64_t{0xff} << slot % 8 * 8);
    refs[slot] = 0;  // see matching()
  }

 private:
  static constexpr std::uint64_t kOnes = 0x0101'0101'0101'0101;
  static constexpr std::uint64_t kSecondTags = 0x8080'8080;
  static std::uint64_t zero_bytes(std::uint64_t word) {
    return (word - kOnes) & ~word & kOnes << 7;
  }
};
static_assert(sizeof(IndexGroup) == 64);

// As ==, without a call for the keys of 8 to 16 bytes that most are.
inline bool same_key(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  if (a.size() < sizeof(std::uint64_t) || a.size() > 2 * sizeof(std::uint64_t)) return a == b;
  const auto differ = [&](std::size_t at) {
    std::uint64_t of_a = 0, of_b = 0;
    std::memcpy(&of_a, a.data() + at, sizeof of_a);
    std::memcpy(&of_b, b.data() + at, sizeof of_b);
    return of_a ^ of_b;
  };
  return (differ(0) | differ(a.size() - sizeof(std::uint64_t))) == 0;
}

// Where entries are: in pages, referred to by number; found by an open-addressing index, itself in
// pages. A plain value: a version is a copy of it.
//
// Entries up to a quarter of kPageBytes share pages, larger ones have one each. The first pages are
// smaller: windows come and go, each with kShards tables, and small ones must cost little.
class PageMap {
 public:
  static constexpr std::size_t kPageBytes = 1024;
  static constexpr std::size_t kGroupsPerPage = kPageBytes / sizeof(IndexGroup);
  static constexpr std::size_t kRefsPerPage = kPageBytes / Layout::kEntryAlign;

  // The group where the search for a key begins. The index grows by halves, so the number of groups
  // is no power of two.
  std::size_t home(std::uint64_t hash) const { return (hash >> 32) * groups >> 32; }
  const IndexGroup& group(std::size_t number) const {
    return reinterpret_cast<const IndexGroup*>(
        index[number / kGroupsPerPage]->data())[number % kGroupsPerPage];
  }
  static std::uint8_t tag(std::uint64_t hash) {
    const auto byte = static_cast<std::uint8_t>(hash);
    return byte == 0 ? 1 : byte;
  }
  const Entry* entry(std::uint32_t ref) const {
    return reinterpret_cast<const Entry*>(entries[ref / kRefsPerPage]->data() +
                                          ref % kRefsPerPage * Layout::kEntryAlign);
  }

  // Where a key is, or would go. Needs an index with room.
  struct Place {
    std::size_t group, slot;
    bool found;
  };
  Place find(const Layout& layout, std::string_view key, std::uint64_t hash) const {
    for (std::size_t number = home(hash);;) {
      const IndexGroup& here = group(number);
      for (auto matching = here.matching(tag(hash)); matching != 0; matching &= matching - 1) {
        const std::size_t slot = IndexGroup::first(matching);
        if (same_key(layout.key(entry(here.refs[slot])), key)) return {number, slot, true};
      }
      if (const auto free = here.free(); free != 0) return {number, IndexGroup::first(free), false};
      if (++number == groups) number = 0;
    }
  }

  std::vector<Page*> entries;
  std::vector<Page*> index;
  std::vector<Page*> text;        // blocks of the rows' text, appended to only
  std::size_t groups = 0;         // of the index
  std::size_t keys = 0;           // entries
  std::vector<std::size_t> rows;  // live ones, by state
};

// A place in an iteration over the entries.
struct EntryCursor {
  std::size_t page = 0;
  std::size_t offset = 0;
};

class TableVersion {
 public:
  ~TableVersion();
  TableVersion(const TableVersion&) = delete;
  TableVersion& operator=(const TableVersion&) = delete;

  // Null where there is none.
  const Entry* find(std::string_view key, std::uint64_t hash) const;

  // The entry at the cursor, which moves on; null at the end. In no particular order; some may have
  // no live rows.
  const Entry* next(EntryCursor& cursor) const {
    for (; cursor.page < map_.entries.size(); cursor = {cursor.page + 1, 0}) {
      const Page& page = *map_.entries[cursor.page];
      if (cursor.offset >= page.used) continue;
      const auto* entry = reinterpret_cast<const Entry*>(page.data() + cursor.offset);
      cursor.offset += layout_.entry_bytes(entry->key_size);
      return entry;
    }
    return nullptr;
  }
  template <class Visit>
  void for_each(Visit&& visit) const {
    EntryCursor cursor;
    while (const Entry* entry = next(cursor)) visit(entry);
  }

  const Layout& layout() const { return layout_; }
  std::size_t keys() const { return map_.keys; }
  std::size_t rows(std::size_t state) const { return map_.rows[state]; }
  // Of its pages, whether other versions contain them or not.
  std::size_t bytes() const;

 private:
  friend class History;
  friend class Table;

  // Without a history it owns nothing: see Table::peek.
  TableVersion(const Layout& layout, const PageMap& map, std::shared_ptr<History> history,
               std::uint64_t number)
      : layout_(layout), map_(map), history_(std::move(history)), number_(number) {}

  const Layout& layout_;
  const PageMap map_;
  const std::shared_ptr<History> history_;
  const std::uint64_t number_;
  // History's, under its lock.
  TableVersion* older_ = nullptr;
  TableVersion* newer_ = nullptr;
  PageList dead_;
};

}  // namespace gameflow::state
