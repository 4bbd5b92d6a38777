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

void History::add(TableVersion& version, PageList replaced) {
  const MutexLock lock(mutex_);
  version.older_ = newest_;
  if (newest_ != nullptr) {
    newest_->newer_ = &version;
    newest_->dead_ = replaced;
  }
  newest_ = &version;
}

void History::end(PageList pages) {
  const MutexLock lock(mutex_);
  newest_->dead_ = pages;
}

void History::remove(TableVersion& version) {
  PageList unused;
  {
    const MutexLock lock(mutex_);
    TableVersion* const older = version.older_;
    if (older != nullptr) older->newer_ = version.newer_;
    (version.newer_ != nullptr ? version.newer_->older_ : newest_) = older;
    PageList dead = version.dead_.take();
    while (Page* page = dead.pop()) {
      const bool older_has_it = older != nullptr && page->birth <= older->number_;
      (older_has_it ? older->dead_ : unused).push(page);
    }
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
