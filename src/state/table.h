// The rows of one shard of one window, as their one writer sees them: key to entry, and which
// entries changed.
//
//   write    find_or_insert, mark_changed, own_text      in one epoch
//   store    changes() through Layout::encode            before the commit
//   seal()   the commit succeeded: a new version for readers
//   revert() it failed: back to the last version
//
// A version costs 8 bytes for each KiB of rows; after it, the first touch of a page of 1 KiB copies
// the page. docs/design/versions.md has the reasons and figures. Rows own their text: see own_text.
//
// Threads  one at a time; versions belong to everybody.
// Errors   running out of memory throws std::bad_alloc; then only revert() and destruction are
//          allowed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <gameflow/arena.h>

#include "base/bytes.h"
#include "base/time.h"
#include "state/layout.h"
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
  // written, and stays where it is, until seal() or revert().
  Entry* find_or_insert(std::string_view key, std::uint64_t hash);
  // The same for each probe, fetching ahead: in a table larger than the caches it takes half the
  // time.
  void find_or_insert(std::span<const Probe> probes, Entry** entries);

  // Notes that the rows of the states in the mask `states` changed at `now`.
  void mark_changed(Entry* entry, std::uint32_t states, Timestamp now) {
    if (entry->changed == 0) changes_.push_back(entry);
    entry->changed = 1;
    entry->updated_at = now;
    set_live(entry, states);
  }

  // After a round of updates: copies text that operators left pointing outside into the table. Must
  // be called before the memory those updates read from goes away.
  void own_text();

  // Entries changed since the last seal() or revert(), each once.
  std::span<Entry* const> changes() const { return changes_; }
  bool has_changes() const { return !changes_.empty(); }

  // Reads one entry that Layout::encode wrote; a later one replaces what an earlier one said of the
  // same state. It does not count as a change. `states` maps the states as they were stored to this
  // layout's; -1: the state is gone and its row is skipped. False where the bytes are not an entry.
  bool load(ByteReader& in, const std::vector<int>& states);

  // What was written so far becomes a version that never changes; the last one again, where nothing
  // was written since.
  std::shared_ptr<const TableVersion> seal();
  // Drops everything since the last seal().
  void revert();
  // The rows as they are now, to be read until the next call of a method that is not const.
  std::shared_ptr<const TableVersion> peek() const;

  std::size_t keys() const { return map_.keys; }
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

  Page* new_page(std::size_t bytes);
  Page* writable(Page*& page);
  void make_writable(std::size_t number);  // an entry page
  void drop(Page* page);
  void drop_first(std::vector<Page*>& pages, std::size_t count);
  void free_fresh_pages();
  void set_live(Entry* entry, std::uint32_t states);
  Entry* writable_entry(std::uint32_t ref);
  std::uint32_t make_entry(std::string_view key);
  IndexGroup& writable_group(std::size_t number);
  void grow_index();
  void insert(std::uint64_t hash, std::uint32_t ref);
  std::size_t adopt_text(Entry* entry, bool all);
  void compact_text();
  void forget_changes();

  const Layout& layout_;
  std::shared_ptr<History> history_;
  PageMap map_;
  std::vector<bool> fresh_;   // by number of an entry page: made since the last seal()
  bool touched_ = false;      // any page was made since the last seal()
  std::uint64_t number_ = 1;  // of the version being written
  PageList replaced_;         // pages of last_ that map_ no longer contains
  std::vector<Entry*> changes_;
  TextArena text_;
  std::shared_ptr<TableVersion> last_;
};

}  // namespace gameflow::state
