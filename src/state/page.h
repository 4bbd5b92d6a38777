// What tables and their versions are made of: pages, and who frees them.
//
// A table changes a page in place unless a version that is alive contains it; then it copies it. So
// a version never changes, and costs a copy of the page pointers. History knows which versions are
// alive, and frees a page when the table and the last of those that contain it have let go of it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/mutex.h"

namespace gameflow::state {

class TableVersion;

// Followed in memory by `bytes` bytes of data, of which `used` hold something.
struct Page {
  Page* next;           // in a PageList
  std::uint64_t birth;  // number of the first version that contains it
  std::uint32_t bytes;
  std::uint32_t used;

  char* data() { return reinterpret_cast<char*>(this + 1); }
  const char* data() const { return reinterpret_cast<const char*>(this + 1); }
  std::size_t footprint() const { return sizeof(Page) + bytes + kHeapBytes; }

 private:
  static constexpr std::size_t kHeapBytes = 8;  // what the heap keeps beside each block
};
static_assert(sizeof(Page) == 24);

// Pages that nobody will look at again, once some version is gone. Never allocates.
class PageList {
 public:
  void push(Page* page) { page->next = std::exchange(head_, page); }
  Page* pop() {
    Page* page = head_;
    if (page != nullptr) head_ = page->next;
    return page;
  }
  PageList take() { return std::exchange(*this, {}); }
  bool empty() const { return head_ == nullptr; }

 private:
  Page* head_ = nullptr;
};

// The versions of one table that are alive, oldest first, each with its dead pages: those that it
// contains, and neither a later one nor the table does.
//
// Threads  any; the lock is held for as long as it takes to move a list of pages, never while they
//          are freed.
class History {
 public:
  History() = default;
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  // Throws std::bad_alloc.
  Page* allocate(std::size_t bytes, std::uint64_t birth);
  void free(Page* page);

  // Whether a version that is alive contains the page, which the table has. Only the table's writer
  // may ask: to it, nothing but add() can make a no a yes.
  bool is_shared(const Page* page) const {
    return page->birth <= newest_number_.load(std::memory_order_acquire);
  }
  // `version` is the newest one now.
  void add(TableVersion& version);
  // The table does without `pages` from now on.
  void retire(PageList pages);
  // `version` goes away. Of its dead pages, those that the version before contains too become that
  // one's; the others are freed.
  void remove(TableVersion& version);

  // Of all pages that are not freed.
  std::size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  // What becomes of `pages`, which no later version contains, where `last` is the last that may.
  static PageList bury(PageList pages, TableVersion* last);
  void free(PageList pages);

  Mutex mutex_;  // guards the links and dead pages of versions too
  TableVersion* newest_ GF_GUARDED_BY(mutex_) = nullptr;
  std::atomic<std::uint64_t> newest_number_ = 0;  // its number; none: 0
  std::atomic<std::size_t> bytes_ = 0;
};

}  // namespace gameflow::state
