// SQLite for the whole process: an allocator with a budget per thread, and a VFS without files.
//
// SQLite's own heap limit is shared by the process and costs a global mutex on every allocation. A
// query runs on one thread, so a thread-local budget bounds each query by itself and needs no lock.
//
// Threads  everything may be called from any thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/error.h"

namespace gameflow::query {

// The VFS to open connections with: it opens no file, whatever a statement asks for.
inline constexpr const char* kVfsName = "gameflow";

// Installs both, once; later calls return the first one's result. kInternal if something else in
// the process has initialised SQLite before.
Status init_sqlite();

// What SQLite may use on this thread while the object lives. Do not nest.
class Allowance {
 public:
  // `clock`: whether 'now' means the system's time. Without it 'now' is NULL, so that what an
  // operator computes depends on its input alone.
  Allowance(std::int64_t memory_bytes_max, bool clock);
  ~Allowance();
  Allowance(const Allowance&) = delete;
  Allowance& operator=(const Allowance&) = delete;

  // Whether 'now' has been asked for.
  bool read_clock() const;
};

// SQLite's allocator, for containers that the budget of a query should cover.
void* allocate_in_budget(std::size_t bytes);  // throws std::bad_alloc
void free_in_budget(void* memory);
template <class T>
struct SqliteAllocator {
  using value_type = T;
  SqliteAllocator() = default;
  template <class U>
  SqliteAllocator(const SqliteAllocator<U>&) {}  // NOLINT: as allocators convert
  T* allocate(std::size_t count) { return static_cast<T*>(allocate_in_budget(count * sizeof(T))); }
  void deallocate(T* memory, std::size_t) { free_in_budget(memory); }
  bool operator==(const SqliteAllocator&) const = default;
};

}  // namespace gameflow::query
