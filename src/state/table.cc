#include "state/table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

namespace gameflow::state {
namespace {

constexpr std::size_t kFirstPageBytes = 256;
constexpr std::size_t kSharingEntryBytesMax = PageMap::kPageBytes / 4;
static_assert(kSharingEntryBytesMax <= kFirstPageBytes);
constexpr std::size_t kPagesMax = UINT32_MAX / PageMap::kRefsPerPage;  // so that refs fit

constexpr std::size_t kPagesToFetchAhead = 256;  // smaller tables are in the caches

constexpr std::size_t kChangesKept = 256;

constexpr std::size_t kTextBlockBytesMin = 512;
constexpr std::size_t kTextBlockBytesMax = 4U << 20;
constexpr std::size_t kTextWasteBytesMin = 1U << 20;

// Doubles within the first page, then grows by half.
std::size_t next_groups(std::size_t groups) {
  if (groups < PageMap::kGroupsPerPage) return std::max<std::size_t>(groups * 2, 1);
  const std::size_t pages = groups / PageMap::kGroupsPerPage;
  return (pages + (pages + 1) / 2) * PageMap::kGroupsPerPage;
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
  const std::size_t last = map.text.empty() ? 0 : map.text.back()->bytes;
  const std::size_t wanted = std::clamp(2 * last, kTextBlockBytesMin, kTextBlockBytesMax);
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
}

Table::~Table() {
  free_fresh_pages();
  if (last_ == nullptr) return;
  PageList pages;
  for (const auto* numbered : {&last_->map_.entries, &last_->map_.index, &last_->map_.text}) {
    for (Page* page : *numbered) pages.push(page);
  }
  history_->end(pages);
}

Page* Table::new_page(std::size_t bytes) {
  Page* page = history_->allocate(bytes, number_);
  touched_ = true;
  return page;
}

// The page itself, or its copy in its place where a version contains it.
Page* Table::writable(Page*& page) {
  if (page->birth == number_) return page;
  Page* copy = new_page(page->bytes);
  std::memcpy(copy->data(), page->data(), page->used);
  copy->used = page->used;
  replaced_.push(std::exchange(page, copy));
  return copy;
}

void Table::free_fresh_pages() {
  for (const auto* numbered : {&map_.entries, &map_.index, &map_.text}) {
    for (Page* page : *numbered) {
      if (page != nullptr && page->birth == number_) history_->free(page);
    }
  }
}

void Table::make_writable(std::size_t number) {
  if (fresh_[number]) return;  // without a look at the page, which may be far away
  writable(map_.entries[number]);
  fresh_[number] = true;
}

Entry* Table::writable_entry(std::uint32_t ref) {
  const std::size_t number = ref / PageMap::kRefsPerPage;
  make_writable(number);
  return const_cast<Entry*>(map_.entry(ref));
}

std::uint32_t Table::make_entry(std::string_view key) {
  const std::size_t bytes = layout_.entry_bytes(key.size());
  const bool alone = bytes > kSharingEntryBytesMax;
  std::size_t number = alone ? SIZE_MAX : map_.tail;
  if (number == SIZE_MAX || map_.entries[number]->bytes - map_.entries[number]->used < bytes) {
    number = map_.entries.size();
    if (number == kPagesMax) throw std::bad_alloc();
    map_.entries.push_back(nullptr);
    fresh_.push_back(true);
    map_.entries.back() = new_page(
        alone ? bytes
              : std::min(PageMap::kPageBytes, kFirstPageBytes << std::min<std::size_t>(number, 8)));
    if (!alone) map_.tail = number;
  }
  make_writable(number);
  Page* page = map_.entries[number];
  const std::size_t offset = page->used;
  layout_.make_entry(page->data() + offset, key);
  page->used += static_cast<std::uint32_t>(bytes);
  return static_cast<std::uint32_t>(number * PageMap::kRefsPerPage + offset / Layout::kEntryAlign);
}

IndexGroup& Table::writable_group(std::size_t number) {
  Page* page = writable(map_.index[number / PageMap::kGroupsPerPage]);
  return reinterpret_cast<IndexGroup*>(page->data())[number % PageMap::kGroupsPerPage];
}

void Table::drop(Page* page) {
  if (page->birth == number_) return history_->free(page);
  replaced_.push(page);
}

void Table::drop_first(std::vector<Page*>& pages, std::size_t count) {
  std::for_each_n(pages.begin(), count, [this](Page* page) { drop(page); });
  pages.erase(pages.begin(), pages.begin() + static_cast<std::ptrdiff_t>(count));
}

// The new pages stand behind the old ones until they are filled, so that nothing is lost if memory
// ends.
void Table::grow_index() {
  const std::size_t groups = next_groups(map_.groups);
  const std::size_t old_pages = map_.index.size();
  for (std::size_t made = 0; made < groups; made += PageMap::kGroupsPerPage) {
    const std::size_t here = std::min(groups - made, PageMap::kGroupsPerPage);
    map_.index.push_back(nullptr);
    Page* page = map_.index.back() = new_page(here * sizeof(IndexGroup));
    page->used = page->bytes;
    std::memset(page->data(), 0, page->bytes);
  }
  drop_first(map_.index, old_pages);
  map_.groups = groups;
  for (std::size_t number = 0; number < map_.entries.size(); ++number) {
    const Page& page = *map_.entries[number];
    for (std::size_t offset = 0; offset < page.used;) {
      const auto* entry = reinterpret_cast<const Entry*>(page.data() + offset);
      const auto ref = number * PageMap::kRefsPerPage + offset / Layout::kEntryAlign;
      insert(hash_key(layout_.key(entry)), static_cast<std::uint32_t>(ref));
      offset += layout_.entry_bytes(entry->key_size);
    }
  }
}

// Of a key that the index does not have, in a page that is fresh.
void Table::insert(std::uint64_t hash, std::uint32_t ref) {
  std::size_t number = map_.home(hash);
  while (map_.group(number).free() == 0) number = number + 1 == map_.groups ? 0 : number + 1;
  IndexGroup& group = writable_group(number);
  group.fill(IndexGroup::first(group.free()), PageMap::tag(hash), ref);
}

Entry* Table::find_or_insert(std::string_view key, std::uint64_t hash) {
  if (map_.groups == 0) grow_index();
  const PageMap::Place place = map_.find(layout_, key, hash);
  if (place.found) return writable_entry(map_.group(place.group).refs[place.slot]);
  if (map_.keys == keys_max(map_.groups)) grow_index();
  const std::uint32_t ref = make_entry(key);
  insert(hash, ref);
  ++map_.keys;
  return writable_entry(ref);
}

// At two distances: first the group, then, once that is there, the entry it most likely names.
void Table::find_or_insert(std::span<const Probe> probes, Entry** entries) {
  constexpr std::size_t kGroupAhead = 24, kEntryAhead = 12;
  const std::size_t ahead = map_.entries.size() < kPagesToFetchAhead ? probes.size() : 0;
  for (std::size_t i = 0; i < probes.size(); ++i) {
    if (i + ahead + kGroupAhead < probes.size()) {
      const auto* group =
          reinterpret_cast<const char*>(&map_.group(map_.home(probes[i + kGroupAhead].hash)));
      __builtin_prefetch(group);
      __builtin_prefetch(group + sizeof(IndexGroup) - 1);
    }
    if (i + ahead + kEntryAhead < probes.size()) {
      const std::uint64_t hash = probes[i + kEntryAhead].hash;
      const IndexGroup& group = map_.group(map_.home(hash));
      if (const auto matching = group.matching(PageMap::tag(hash)); matching != 0)
        __builtin_prefetch(map_.entry(group.refs[IndexGroup::first(matching)]));
    }
    entries[i] = find_or_insert(probes[i].key, probes[i].hash);
  }
}

void Table::set_live(Entry* entry, std::uint32_t states) {
  for (std::uint32_t added = states & ~entry->live; added != 0; added &= added - 1)
    ++map_.rows[static_cast<std::size_t>(std::countr_zero(added))];
  entry->live |= states;
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
  for (Entry* entry : changes_) map_.text_bytes += adopt_text(entry, false);
  if (map_.text_bytes > kTextWasteBytesMin && map_.text_bytes > 2 * map_.text_bytes_kept)
    compact_text();
}

// Replaced text stays in its block as waste; moving the live text over bounds it to half.
void Table::compact_text() {
  const std::size_t old_blocks = map_.text.size();
  text_.cursor = text_.end = nullptr;
  std::size_t kept = 0;
  for (std::size_t number = 0; number < map_.entries.size(); ++number) {
    const auto first = static_cast<std::uint32_t>(number * PageMap::kRefsPerPage);
    auto* at = reinterpret_cast<char*>(writable_entry(first));
    for (const char* end = at + map_.entries[number]->used; at != end;) {
      auto* entry = reinterpret_cast<Entry*>(at);
      kept += adopt_text(entry, true);
      at += layout_.entry_bytes(entry->key_size);
    }
  }
  drop_first(map_.text, old_blocks);
  map_.text_bytes = map_.text_bytes_kept = kept;
}

bool Table::load(ByteReader& in, const std::vector<int>& states) {
  const std::string_view key = in.text();
  const std::uint64_t mask = in.varint();
  const Timestamp updated_at{in.signed_varint()};
  if (!in.ok() || mask >> states.size() != 0 || key.size() > Layout::kKeyBytesMax) return false;
  Entry* entry = find_or_insert(key, hash_key(key));
  entry->updated_at = updated_at;
  for (std::size_t stored = 0; stored < states.size(); ++stored) {
    if ((mask >> stored & 1U) == 0) continue;
    const std::string_view row = in.text();
    if (!in.ok()) return false;
    if (states[stored] < 0) continue;
    const auto state = static_cast<std::size_t>(states[stored]);
    if (!layout_.codec(state).decode(row, text_, layout_.row(entry, state))) return false;
    set_live(entry, 1U << state);
  }
  return true;
}

// An epoch that changed many rows may be followed by thousands that change few.
void Table::forget_changes() {
  changes_.clear();
  if (changes_.capacity() > kChangesKept) std::vector<Entry*>().swap(changes_);
}

std::shared_ptr<const TableVersion> Table::seal() {
  if (last_ != nullptr && !touched_) return last_;
  map_.text_cursor = text_.cursor;
  map_.text_end = text_.end;
  auto version =
      std::make_shared<TableVersion>(TableVersion::Made{}, layout_, map_, history_, number_);
  history_->add(*version, replaced_.take());
  for (Entry* entry : changes_) entry->changed = 0;
  forget_changes();
  fresh_.assign(map_.entries.size(), false);
  touched_ = false;
  ++number_;
  last_ = version;
  return version;
}

void Table::revert() {
  free_fresh_pages();
  replaced_ = {};
  forget_changes();
  if (last_ != nullptr) {
    map_ = last_->map_;
  } else {
    map_ = {};
    map_.rows.resize(layout_.state_count());
  }
  fresh_.assign(map_.entries.size(), false);
  touched_ = false;
  text_.cursor = map_.text_cursor;
  text_.end = map_.text_end;
}

std::shared_ptr<const TableVersion> Table::peek() const {
  return std::make_shared<TableVersion>(TableVersion::Made{}, layout_, map_, nullptr, number_);
}

std::size_t Table::bytes() const {
  const std::size_t pointers =
      map_.entries.capacity() + map_.index.capacity() + map_.text.capacity();
  // Twice: the last version has them, too.
  return sizeof(Table) + history_->bytes() + 2 * pointers * sizeof(void*) +
         changes_.capacity() * sizeof(void*);
}

}  // namespace gameflow::state
