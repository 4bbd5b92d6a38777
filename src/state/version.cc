#include "state/version.h"

#include <new>

#include "base/mutex.h"

namespace gameflow::state {

Page* History::allocate(std::size_t bytes, std::uint64_t birth) {
  void* const memory = ::operator new(sizeof(Page) + bytes);
  Page* page = new (memory) Page{nullptr, birth, static_cast<std::uint32_t>(bytes), 0};
  bytes_.fetch_add(page->footprint(), std::memory_order_relaxed);
  return page;
}

void History::free(Page* page) {
  bytes_.fetch_sub(page->footprint(), std::memory_order_relaxed);
  ::operator delete(page);
}

void History::free(PageList pages) {
  while (Page* page = pages.pop()) free(page);
}

void History::add(TableVersion& version) {
  const MutexLock lock(mutex_);
  version.older_ = newest_;
  if (newest_ != nullptr) newest_->newer_ = &version;
  newest_ = &version;
  newest_number_.store(version.number_, std::memory_order_relaxed);
}

// Returns those that no version contains.
PageList History::bury(PageList pages, TableVersion* last) {
  PageList unused;
  while (Page* page = pages.pop()) {
    const bool last_has_it = last != nullptr && page->birth <= last->number_;
    (last_has_it ? last->dead_ : unused).push(page);
  }
  return unused;
}

void History::retire(PageList pages) {
  PageList unused;
  {
    const MutexLock lock(mutex_);
    unused = bury(pages, newest_);
  }
  free(unused);
}

void History::remove(TableVersion& version) {
  PageList unused;
  {
    const MutexLock lock(mutex_);
    TableVersion* const older = version.older_;
    if (older != nullptr) older->newer_ = version.newer_;
    if (version.newer_ != nullptr) {
      version.newer_->older_ = older;
    } else {
      newest_ = older;
      // To the writer: all reads of the version are over.
      newest_number_.store(older == nullptr ? 0 : older->number_, std::memory_order_release);
    }
    unused = bury(version.dead_.take(), older);
  }
  free(unused);
}

TableVersion::~TableVersion() {
  if (history_ != nullptr) history_->remove(*this);
}

const Entry* TableVersion::find(std::string_view key, std::uint64_t hash) const {
  if (map_.groups == 0) return nullptr;
  const PageMap::Place place = map_.find(layout_, key, hash);
  return place.found ? map_.entry(map_.group(place.group).refs[place.slot]) : nullptr;
}

std::size_t TableVersion::bytes() const {
  std::size_t bytes = 0;
  for (const auto* pages : {&map_.entries, &map_.index, &map_.text}) {
    for (const Page* page : *pages) bytes += page->footprint() + sizeof(void*);
  }
  return bytes;
}

}  // namespace gameflow::state
