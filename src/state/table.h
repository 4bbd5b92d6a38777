// The rows of one shard of one window, as their one writer sees them: key to entry, and which
// entries changed.
//
//   write    find_or_insert, mark_changed, own_text      in one epoch
//   store    changes() through Layout::encode            before the epoch's commit
//   commit() that succeeded: what was written stays
//   revert() it failed: everything is as the last commit() left it
//   seal()   between epochs, where somebody wants to read: a version that never changes
//
// An epoch costs a copy of the rows it touches, for revert(). A version costs 8 bytes for each KiB
// of rows and, while somebody holds it, a copy of each page of 1 KiB at its first touch.
// docs/design/versions.md has the reasons and figures. Rows own their text: see own_text.
//
// Threads  one at a time; versions belong to everybody.
// Errors   running out of memory throws std::bad_alloc; then only revert() and destruction are
//          allowed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <gameflow/arena.h>

#include "base/bytes.h"
#include "base/time.h"
#include "state/growth.h"
#include "state/layout.h"
#include "state/run.h"
#include "state/version.h"

namespace gameflow::state {

struct Probe {
  std::string_view key;  // at most Layout::kKeyBytesMax bytes
  std::uint64_t hash;    // hash_key(key)
};

class Table {
 public:
  // `layout` outlives the table and its versions.
  explicit Table(const Layout& layout);
  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  // The entry of the key; made, with initialised rows that are not live, if there is none. May be
  // written, and stays where it is, until commit(), seal() or revert().
  Entry* find_or_insert(std::string_view key, std::uint64_t hash) {
    return writable_entry(place_or_insert(key, hash));
  }
  // The same for each probe, fetching ahead: where the table is not in the caches it takes half the
  // time.
  void find_or_insert(std::span<const Probe> probes, Entry** entries);

  // Room in the index for so many keys: it grows once, not often.
  void reserve(std::size_t keys);

  // Notes that the rows of the states in the mask `states` changed at `now`.
  void mark_changed(Entry* entry, std::uint32_t states, Timestamp now) {
    if (entry->changed == 0) changes_.push_back(entry);
    entry->changed = 1;
    entry->updated_at = now;
    set_live(entry, states);
  }

  // The rows of these states are gone; the caller has made them as in a new entry.
  void mark_erased(Entry* entry, std::uint32_t states, Timestamp now);

  // Where the entry of the key is, until the table is made anew; it is made, as above, if there is
  // none.
  std::uint32_t place_or_insert(std::string_view key, std::uint64_t hash);
  // The same; nothing: there is none.
  std::optional<std::uint32_t> place_of(std::string_view key, std::uint64_t hash) const;
  const Entry* entry_at(std::uint32_t place) const { return map_.entry(place); }
  // To be written, as find_or_insert.
  Entry* edit(std::uint32_t place) { return writable_entry(place); }
  // Null where there is none, or none of its rows is there.
  const Entry* find(std::string_view key, std::uint64_t hash) const;

  // Whether most entries had no rows at any time of the last epoch: a copy would be much smaller,
  // and the next epoch would not make them again.
  bool is_mostly_dead() const;
  // Takes all rows of `other`, as committed. For an empty table of the same layout.
  void copy_rows(const Table& other);
  // The same of what a merger has made: rows that are all live.
  void take_rows(std::span<const RunItem> items);

  // After a round of updates: copies text that operators left pointing outside into the table. Must
  // be called before the memory those updates read from goes away.
  void own_text();

  // Entries changed in this epoch, each once.
  std::span<Entry* const> changes() const { return changes_; }
  bool has_changes() const { return !changes_.empty(); }

  // Reads one entry that Layout::encode wrote; a later one replaces what an earlier one said of the
  // same state. It does not count as a change. `states` maps the states as they were stored to this
  // layout's; the row of one that is no longer there is skipped. `timed`: the stored states whose
  // rows have a time. False where the bytes are not an entry.
  bool load(ByteReader& in, const std::vector<RowSource>& states, std::uint32_t timed = 0);

  // The epoch is over, and what it wrote stays.
  void commit();
  // It is over, and everything since the last commit() is dropped.
  void revert();
  // commit(), and a version of what there is; the last one again, where nothing was written since
  // and somebody holds it.
  std::shared_ptr<const TableVersion> seal();
  // The rows as they are now, to be read until the next call of a method that is not const.
  std::shared_ptr<const TableVersion> peek() const;

  std::size_t keys() const { return map_.keys; }
  std::size_t live_keys() const { return map_.keys - dead_; }  // that have a row
  std::size_t rows(std::size_t state) const { return map_.rows[state]; }
  // All memory held, that of versions which somebody still reads included.
  std::size_t bytes() const;

 private:
  // Hands out room in text blocks.
  struct TextArena : Arena {
    explicit TextArena(Table& owner);
    static bool grow_block(Arena* self, std::size_t size);
    Table& table;
  };

  // The table as the last epoch left it: what revert() goes back to, beside the entries that the
  // epoch has saved. Most of it says where new things begin.
  struct Mark {
    std::size_t keys = 0;
    std::size_t dead = 0;
    std::vector<std::size_t> rows;
    std::size_t groups = 0;  // of the index
    std::size_t entry_pages = 0;
    std::size_t tail = SIZE_MAX;  // as tail_
    std::uint32_t tail_used = 0;  // of that page
    std::size_t text_blocks = 0;
    char* text_cursor = nullptr;
    char* text_end = nullptr;
    std::size_t text_bytes = 0, text_bytes_kept = 0;
  };

  Page* new_page(std::size_t bytes);
  Page* writable(Page*& page);
  void make_writable(std::size_t number);  // an entry page
  void drop(Page* page);
  bool is_new(std::uint32_t ref) const;
  void save(std::uint32_t ref, Entry* entry);
  template <class Visit>
  void for_each_saved(Visit&& visit);
  template <class Visit>
  void for_each_entry(std::size_t number, std::size_t offset, Visit&& visit) const;
  void set_live(Entry* entry, std::uint32_t states);
  void set_dead(Entry* entry, std::uint32_t states);
  Entry* writable_entry(std::uint32_t ref);
  std::uint32_t place_entry(std::size_t bytes);
  std::uint32_t make_entry(std::string_view key);
  void fetch_group(const Probe& probe) const;
  void fetch_entry(const Probe& probe) const;
  IndexGroup& writable_group(std::size_t number);
  void grow_index(std::size_t groups);
  std::uint32_t insert_new(std::string_view key, std::uint64_t hash);
  void insert(std::uint64_t hash, std::uint32_t ref);
  void remove(std::uint64_t hash, std::uint32_t ref);
  void fill_index();
  std::size_t adopt_text(Entry* entry, bool all);
  void compact_text();
  void forget_epoch();
  void cut(std::vector<Page*>& pages, std::size_t count);

  const Layout& layout_;
  std::shared_ptr<History> history_;
  PageMap map_;
  std::size_t dead_ = 0;             // entries without rows
  std::size_t dead_min_ = 0;         // the fewest of this epoch
  std::size_t idle_ = 0;             // and of the last one
  std::size_t tail_ = SIZE_MAX;      // number of the page that small entries go to
  std::size_t text_bytes_ = 0;       // written since the last compaction, and those it kept
  std::size_t text_bytes_kept_ = 0;  // live at the last compaction
  std::size_t text_from_ = 0;        // the first block of it that a compaction under way has made
  TextArena text_;
  std::vector<bool> fresh_;   // by number of an entry page: known to be in no version
  std::uint64_t number_ = 1;  // of the next version
  PageList replaced_;         // pages of versions that map_ no longer contains

  // The epoch's.
  std::vector<Entry*> changes_;
  std::vector<char> saved_;      // for each: Entry*, and its Layout::mutable_bytes
  std::vector<Page*> old_text_;  // blocks of before, where text was compacted
  Mark mark_;

  bool is_changed_ = false;  // since last_ was made
  std::weak_ptr<const TableVersion> last_;
};

}  // namespace gameflow::state
