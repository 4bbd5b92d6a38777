#include "state/table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

namespace gameflow::state {
namespace {

// What is saved of an entry is where it is, then its bytes.
constexpr std::size_t kPlaceBytes = sizeof(void*);

constexpr std::size_t kFirstPageBytes = 256;
constexpr std::size_t kSharingEntryBytesMax = PageMap::kPageBytes / 4;
static_assert(kSharingEntryBytesMax <= kFirstPageBytes);
constexpr std::size_t kPagesMax = UINT32_MAX / PageMap::kRefsPerPage;  // so that refs fit

// Smaller tables are in the first-level cache, unless an epoch asks for few of their keys: then
// others have used it since. 1,000 events an epoch over 64 tables with 100,000 keys: 0.15 µs for
// each without fetching ahead, 0.13 with it.
constexpr std::size_t kPagesToFetchAhead = 32;
constexpr std::size_t kKeysPerProbeToFetchAhead = 8;

// Of what an epoch notes; one that changed many rows may be followed by thousands that change few.
constexpr std::size_t kChangesKept = 256;
constexpr std::size_t kSavedBytesKept = 4096;

constexpr std::size_t kTextBlockBytesMin = 512;
constexpr std::size_t kTextBlockBytesMax = 4U << 20;
// Of a table; there are 64 of each window, so they are small where rows are few.
constexpr std::size_t kTextWasteBytesMin = 64U << 10;

// Doubles within the first page, then grows by half.
std::size_t next_groups(std::size_t groups) {
  if (groups < PageMap::kGroupsPerPage) return std::max<std::size_t>(groups * 2, 1);
  const std::size_t pages = groups / PageMap::kGroupsPerPage;
  return (pages + (pages + 1) / 2) * PageMap::kGroupsPerPage;
}

std::size_t index_pages(std::size_t groups) {
  return (groups + PageMap::kGroupsPerPage - 1) / PageMap::kGroupsPerPage;
}

template <class T>
void clear(std::vector<T>& items, std::size_t kept) {
  items.clear();
  if (items.capacity() > kept) std::vector<T>().swap(items);
}

// One slot in eight stays free, so that searches end soon.
std::size_t keys_max(std::size_t groups) {
  return groups * IndexGroup::kSlots * 7 / 8;
}

}  // namespace

Table::TextArena::TextArena(Table& owner) : table(owner) {
  grow = &grow_block;
}

bool Table::TextArena::grow_block(Arena* arena, std::size_t size) {
  auto& self = *static_cast<TextArena*>(arena);
  PageMap& map = self.table.map_;
  std::size_t held = 0;
  for (std::size_t i = self.table.text_from_; i < map.text.size(); ++i) held += map.text[i]->bytes;
  const std::size_t wanted = std::clamp(held, kTextBlockBytesMin, kTextBlockBytesMax);
  try {
    map.text.push_back(nullptr);
    map.text.back() = self.table.new_page(std::max(size, wanted));
  } catch (const std::bad_alloc&) {
    return false;
  }
  self.cursor = map.text.back()->data();
  self.end = self.cursor + map.text.back()->bytes;
  return true;
}

Table::Table(const Layout& layout)
    : layout_(layout), history_(std::make_shared<History>()), text_(*this) {
  map_.rows.resize(layout.state_count());
  mark_.rows = map_.rows;
}

Table::~Table() {
  PageList pages = replaced_;
  for (const auto* numbered : {&map_.entries, &map_.index, &map_.text, &old_text_}) {
    for (Page* page : *numbered) {
      if (page != nullptr) pages.push(page);
    }
  }
  history_->retire(pages);
}

Page* Table::new_page(std::size_t bytes) {
  return history_->allocate(bytes, number_);
}

// The page itself, or its copy in its place where a version contains it.
Page* Table::writable(Page*& page) {
  if (!history_->is_shared(page)) return page;
  Page* copy = new_page(page->bytes);
  std::memcpy(copy->data(), page->data(), page->used);
  copy->used = page->used;
  replaced_.push(std::exchange(page, copy));
  return copy;
}

void Table::make_writable(std::size_t number) {
  if (fresh_[number]) return;  // without a look at the page, which may be far away
  writable(map_.entries[number]);
  fresh_[number] = true;
}

// Made in this epoch.
bool Table::is_new(std::uint32_t ref) const {
  const std::size_t number = ref / PageMap::kRefsPerPage;
  return number >= mark_.entry_pages ||
         (number == mark_.tail &&
          ref % PageMap::kRefsPerPage * Layout::kEntryAlign >= mark_.tail_used);
}

void Table::save(std::uint32_t ref, Entry* entry) {
  if (entry->saved != Saved::kNot || is_new(ref)) return;
  const std::size_t at = saved_.size();
  saved_.resize(at + kPlaceBytes + layout_.mutable_bytes());
  std::memcpy(&saved_[at], &entry, kPlaceBytes);
  std::memcpy(&saved_[at + kPlaceBytes], static_cast<void*>(entry), layout_.mutable_bytes());
  entry->saved = entry->live != 0 ? Saved::kWithRows : Saved::kWithout;
}

template <class Visit>
void Table::for_each_saved(Visit&& visit) {
  for (const char* at = saved_.data(); at != saved_.data() + saved_.size();) {
    Entry* entry = nullptr;
    std::memcpy(&entry, at, kPlaceBytes);
    visit(entry, at + kPlaceBytes);
    at += kPlaceBytes + layout_.mutable_bytes();
  }
}

Entry* Table::writable_entry(std::uint32_t ref) {
  make_writable(ref / PageMap::kRefsPerPage);
  auto* entry = const_cast<Entry*>(map_.entry(ref));
  save(ref, entry);
  return entry;
}

// Room for an entry of so many bytes.
std::uint32_t Table::place_entry(std::size_t bytes) {
  const bool alone = bytes > kSharingEntryBytesMax;
  std::size_t number = alone ? SIZE_MAX : tail_;
  if (number == SIZE_MAX || map_.entries[number]->bytes - map_.entries[number]->used < bytes) {
    number = map_.entries.size();
    if (number == kPagesMax) throw std::bad_alloc();
    map_.entries.push_back(nullptr);
    fresh_.push_back(true);
    map_.entries.back() = new_page(
        alone ? bytes
              : std::min(PageMap::kPageBytes, kFirstPageBytes << std::min<std::size_t>(number, 8)));
    if (!alone) tail_ = number;
  }
  make_writable(number);
  Page* page = map_.entries[number];
  const std::size_t offset = page->used;
  page->used += static_cast<std::uint32_t>(bytes);
  return static_cast<std::uint32_t>(number * PageMap::kRefsPerPage + offset / Layout::kEntryAlign);
}

std::uint32_t Table::make_entry(std::string_view key) {
  const std::uint32_t ref = place_entry(layout_.entry_bytes(key.size()));
  layout_.make_entry(const_cast<Entry*>(map_.entry(ref)), key);
  return ref;
}

IndexGroup& Table::writable_group(std::size_t number) {
  Page* page = writable(map_.index[number / PageMap::kGroupsPerPage]);
  return reinterpret_cast<IndexGroup*>(page->data())[number % PageMap::kGroupsPerPage];
}

void Table::drop(Page* page) {
  if (!history_->is_shared(page)) return history_->free(page);
  replaced_.push(page);
}

// The new pages stand behind the old ones until they are filled, so that nothing is lost if memory
// ends.
void Table::grow_index(std::size_t groups) {
  const std::size_t old_pages = map_.index.size();
  for (std::size_t made = 0; made < groups; made += PageMap::kGroupsPerPage) {
    const std::size_t here = std::min(groups - made, PageMap::kGroupsPerPage);
    map_.index.push_back(nullptr);
    Page* page = map_.index.back() = new_page(here * sizeof(IndexGroup));
    page->used = page->bytes;
    std::memset(page->data(), 0, page->bytes);
  }
  std::for_each_n(map_.index.begin(), old_pages, [this](Page* page) { drop(page); });
  map_.index.erase(map_.index.begin(), map_.index.begin() + static_cast<std::ptrdiff_t>(old_pages));
  map_.groups = groups;
  fill_index();
}

// All entries go into the index, which is empty, and whose pages no version contains.
void Table::fill_index() {
  for (std::size_t number = 0; number < map_.entries.size(); ++number) {
    for_each_entry(number, 0, [this](std::uint32_t ref, const Entry* entry) {
      insert(hash_key(layout_.key(entry)), ref);
    });
  }
}

template <class Visit>
void Table::for_each_entry(std::size_t number, std::size_t offset, Visit&& visit) const {
  const Page& page = *map_.entries[number];
  while (offset < page.used) {
    const auto* entry = reinterpret_cast<const Entry*>(page.data() + offset);
    visit(static_cast<std::uint32_t>(number * PageMap::kRefsPerPage + offset / Layout::kEntryAlign),
          entry);
    offset += layout_.entry_bytes(entry->key_size);
  }
}

// Of a key that the index does not have.
void Table::insert(std::uint64_t hash, std::uint32_t ref) {
  std::size_t number = map_.home(hash);
  while (map_.group(number).free() == 0) number = number + 1 == map_.groups ? 0 : number + 1;
  IndexGroup& group = writable_group(number);
  group.fill(IndexGroup::first(group.free()), PageMap::tag(hash), ref);
}

// Undoes insert(), if it came to that. Keys that were inserted later must be removed as well: their
// place may depend on this one.
void Table::remove(std::uint64_t hash, std::uint32_t ref) {
  std::size_t number = map_.home(hash);
  for (std::size_t left = map_.groups; left > 0; --left) {
    if (const auto slot = map_.group(number).slot_of(ref))
      return writable_group(number).clear(*slot);
    if (++number == map_.groups) number = 0;
  }
}

void Table::reserve(std::size_t keys) {
  std::size_t groups = map_.groups;
  while (keys_max(groups) < keys) groups = next_groups(groups);
  if (groups != map_.groups) grow_index(groups);
}

std::uint32_t Table::place_or_insert(std::string_view key, std::uint64_t hash) {
  if (map_.groups == 0) reserve(1);
  const PageMap::Place place = map_.find(layout_, key, hash);
  if (place.found) return map_.group(place.group).refs[place.slot];
  reserve(map_.keys + 1);
  return insert_new(key, hash);
}

// Of a key that is not there, with room for it in the index.
std::uint32_t Table::insert_new(std::string_view key, std::uint64_t hash) {
  const std::uint32_t ref = make_entry(key);
  insert(hash, ref);
  ++map_.keys;
  ++dead_;
  return ref;
}

void Table::fetch_group(const Probe& probe) const {
  const auto* group = reinterpret_cast<const char*>(&map_.group(map_.home(probe.hash)));
  __builtin_prefetch(group);
  __builtin_prefetch(group + sizeof(IndexGroup) - 1);
}

// Which the group, which is there by now, most likely names.
void Table::fetch_entry(const Probe& probe) const {
  const IndexGroup& group = map_.group(map_.home(probe.hash));
  const auto matching = group.matching(PageMap::tag(probe.hash));
  if (matching == 0) return;
  const auto* entry = map_.entry(group.refs[IndexGroup::first(matching)]);
  __builtin_prefetch(entry);
  __builtin_prefetch(reinterpret_cast<const char*>(entry) + layout_.mutable_bytes());
}

// Three runs over the probes, one behind the other: the groups, the entries, and what is asked for.
void Table::find_or_insert(std::span<const Probe> probes, Entry** entries) {
  constexpr std::size_t kEntryBehind = 12, kFindBehind = 24;
  const bool is_cold = map_.entries.size() >= kPagesToFetchAhead ||
                       probes.size() < map_.keys / kKeysPerProbeToFetchAhead;
  const std::size_t behind = is_cold ? kFindBehind : 0;
  for (std::size_t i = 0; i < probes.size() + behind; ++i) {
    if (is_cold && i < probes.size()) fetch_group(probes[i]);
    if (is_cold && i >= kEntryBehind && i - kEntryBehind < probes.size())
      fetch_entry(probes[i - kEntryBehind]);
    if (i < behind) continue;
    __builtin_prefetch(&probes[i - behind] + 32);
    const Probe& probe = probes[i - behind];
    entries[i - behind] = find_or_insert(probe.key, probe.hash);
  }
}

void Table::set_live(Entry* entry, std::uint32_t states) {
  std::uint32_t added = states & ~entry->live;
  if (added == 0) return;
  if (entry->live == 0) dead_min_ = std::min(dead_min_, --dead_);
  for (; added != 0; added &= added - 1)
    ++map_.rows[static_cast<std::size_t>(std::countr_zero(added))];
  entry->live |= states;
}

void Table::set_dead(Entry* entry, std::uint32_t states) {
  std::uint32_t gone = states & entry->live;
  if (gone == 0) return;
  entry->live &= ~states;
  if (entry->live == 0) ++dead_;
  for (; gone != 0; gone &= gone - 1) --map_.rows[static_cast<std::size_t>(std::countr_zero(gone))];
}

void Table::mark_erased(Entry* entry, std::uint32_t states, Timestamp now) {
  if (entry->changed == 0) changes_.push_back(entry);
  entry->changed = 1;
  entry->updated_at = now;
  set_dead(entry, states);
}

std::optional<std::uint32_t> Table::place_of(std::string_view key, std::uint64_t hash) const {
  if (map_.groups == 0) return std::nullopt;
  const PageMap::Place place = map_.find(layout_, key, hash);
  if (!place.found) return std::nullopt;
  return map_.group(place.group).refs[place.slot];
}

const Entry* Table::find(std::string_view key, std::uint64_t hash) const {
  const auto place = place_of(key, hash);
  const Entry* const entry = place ? map_.entry(*place) : nullptr;
  return entry == nullptr || entry->live == 0 ? nullptr : entry;
}

std::size_t Table::adopt_text(Entry* entry, bool all) {
  const auto owns = [&](const char* data) {
    if (all) return false;
    return std::any_of(map_.text.rbegin(), map_.text.rend(), [data](const Page* block) {
      return data >= block->data() && data < block->data() + block->bytes;
    });
  };
  std::size_t copied = 0;
  for (std::size_t state = 0; state < layout_.state_count(); ++state)
    copied += layout_.codec(state).adopt_text(layout_.row(entry, state), text_, owns);
  return copied;
}

void Table::own_text() {
  if (!layout_.has_text()) return;
  for (Entry* entry : changes_) text_bytes_ += adopt_text(entry, false);
  if (text_bytes_ > kTextWasteBytesMin && text_bytes_ > 2 * text_bytes_kept_) compact_text();
}

// Replaced text stays in its block as waste; moving the live text over bounds it to half.
void Table::compact_text() {
  const std::size_t old_blocks = map_.text.size();
  old_text_.reserve(mark_.text_blocks);
  text_.cursor = text_.end = nullptr;
  text_from_ = old_blocks;  // what is moved over is as large as it is, not as the waste was
  std::size_t kept = 0;
  for (std::size_t number = 0; number < map_.entries.size(); ++number) {
    make_writable(number);
    for_each_entry(number, 0, [&](std::uint32_t ref, const Entry* const_entry) {
      auto* entry = const_cast<Entry*>(const_entry);
      save(ref, entry);
      kept += adopt_text(entry, true);
    });
  }
  // Blocks of before the epoch are kept for revert().
  const auto first = map_.text.begin();
  auto dropped = first;
  if (old_text_.empty()) {
    dropped += static_cast<std::ptrdiff_t>(mark_.text_blocks);
    old_text_.assign(first, dropped);
  }
  const auto behind = first + static_cast<std::ptrdiff_t>(old_blocks);
  std::for_each(dropped, behind, [this](Page* block) { history_->free(block); });
  map_.text.erase(first, behind);
  text_from_ = 0;
  text_bytes_ = text_bytes_kept_ = kept;
}

void Table::commit() {
  is_changed_ = is_changed_ || !saved_.empty() || map_.keys != mark_.keys;
  for (Entry* entry : changes_) entry->changed = 0;
  for_each_saved([](Entry* entry, const char*) { entry->saved = Saved::kNot; });
  for (Page* block : old_text_) drop(block);
  old_text_.clear();
  if (!replaced_.empty()) history_->retire(replaced_.take());
  forget_epoch();
  mark_.keys = map_.keys;
  mark_.dead = dead_;
  idle_ = std::exchange(dead_min_, dead_);
  mark_.rows = map_.rows;
  mark_.groups = map_.groups;
  mark_.entry_pages = map_.entries.size();
  mark_.tail = tail_;
  mark_.tail_used = tail_ == SIZE_MAX ? 0 : map_.entries[tail_]->used;
  mark_.text_blocks = map_.text.size();
  mark_.text_cursor = text_.cursor;
  mark_.text_end = text_.end;
  mark_.text_bytes = text_bytes_;
  mark_.text_bytes_kept = text_bytes_kept_;
}

void Table::forget_epoch() {
  clear(changes_, kChangesKept);
  clear(saved_, kSavedBytesKept);
}

// Needs no memory. Pages that were copied, and an index that has grown, stay so.
void Table::revert() {
  cut(map_.index, index_pages(map_.groups));  // a larger index that was not finished
  const bool has_grown = map_.groups != mark_.groups;
  if (!has_grown) {
    const auto remove_entry = [this](std::uint32_t ref, const Entry* entry) {
      remove(hash_key(layout_.key(entry)), ref);
    };
    if (mark_.tail != SIZE_MAX) for_each_entry(mark_.tail, mark_.tail_used, remove_entry);
    for (std::size_t number = mark_.entry_pages; number < map_.entries.size(); ++number) {
      if (map_.entries[number] != nullptr) for_each_entry(number, 0, remove_entry);
    }
  }
  for_each_saved([this](Entry* entry, const char* before) {
    std::memcpy(static_cast<void*>(entry), before, layout_.mutable_bytes());
  });
  cut(map_.entries, mark_.entry_pages);
  fresh_.resize(mark_.entry_pages);
  tail_ = mark_.tail;
  if (tail_ != SIZE_MAX && map_.entries[tail_]->used != mark_.tail_used)
    map_.entries[tail_]->used = mark_.tail_used;
  if (has_grown) {
    for (Page* page : map_.index) std::memset(page->data(), 0, page->bytes);
    fill_index();
  }
  map_.keys = mark_.keys;
  dead_ = dead_min_ = mark_.dead;
  map_.rows = mark_.rows;
  cut(map_.text, old_text_.empty() ? mark_.text_blocks : 0);
  if (!old_text_.empty()) map_.text = std::exchange(old_text_, {});
  text_.cursor = mark_.text_cursor;
  text_.end = mark_.text_end;
  text_bytes_ = mark_.text_bytes;
  text_bytes_kept_ = mark_.text_bytes_kept;
  text_from_ = 0;
  forget_epoch();
}

// Frees the pages behind the first `count`, which this epoch has made; some may be null.
void Table::cut(std::vector<Page*>& pages, std::size_t count) {
  for (; pages.size() > count; pages.pop_back()) {
    if (pages.back() != nullptr) history_->free(pages.back());
  }
}

std::shared_ptr<const TableVersion> Table::seal() {
  commit();
  if (!is_changed_) {
    if (auto last = last_.lock()) return last;
  }
  fresh_.assign(map_.entries.size(), false);
  auto* made = new TableVersion(layout_, map_, history_, number_++);
  history_->add(*made);
  std::shared_ptr<const TableVersion> version(made);
  is_changed_ = false;
  last_ = version;
  return version;
}

std::shared_ptr<const TableVersion> Table::peek() const {
  return std::shared_ptr<const TableVersion>(new TableVersion(layout_, map_, nullptr, number_));
}

std::size_t Table::bytes() const {
  const std::size_t pointers =
      map_.entries.capacity() + map_.index.capacity() + map_.text.capacity();
  // Twice: a version has them, too.
  return sizeof(Table) + history_->bytes() + 2 * pointers * sizeof(void*) +
         changes_.capacity() * sizeof(void*) + saved_.capacity();
}

}  // namespace gameflow::state
