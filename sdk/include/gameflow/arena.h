// Arena: memory that lives exactly as long as one epoch's batch, freed all at once.
//
// Threads  one thread at a time. Text, List and Bytes made inside an operator live in the arena of
//          the call that is running: `gameflow::arena()`.
// Errors   running out of memory throws std::bad_alloc, which becomes the record's error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

namespace gameflow {

// A bump allocator. The layout is part of the ABI between the engine and operator libraries: both
// bump `cursor`, only the engine's `grow` adds blocks.
struct Arena {
  char* cursor = nullptr;
  char* end = nullptr;
  // Makes at least `size` bytes available between cursor and end; throws nothing, returns false
  // when memory is exhausted.
  bool (*grow)(Arena* self, std::size_t size) = nullptr;

  // `size` bytes aligned to `align` (a power of two, at most 16). Uninitialised.
  void* allocate(std::size_t size, std::size_t align) {
    char* start = aligned(align);
    if (start > end || static_cast<std::size_t>(end - start) < size) {
      if (grow == nullptr || !grow(this, size + align)) throw std::bad_alloc();
      start = aligned(align);
    }
    cursor = start + size;
    return start;
  }

  // A copy of the bytes; valid as long as the arena.
  const char* copy(const char* data, std::size_t size) {
    if (size == 0) return "";
    return static_cast<const char*>(std::memcpy(allocate(size, 1), data, size));
  }

 private:
  char* aligned(std::size_t align) const {
    const auto mask = static_cast<std::uintptr_t>(align - 1);
    return reinterpret_cast<char*>((reinterpret_cast<std::uintptr_t>(cursor) + mask) & ~mask);
  }
};

namespace detail {

inline thread_local Arena* current_arena = nullptr;

inline bool grow_lasting(Arena* self, std::size_t size) {
  constexpr std::size_t kBlockBytes = 4096;
  if (size < kBlockBytes) size = kBlockBytes;
  self->cursor = static_cast<char*>(::operator new(size, std::nothrow));
  self->end = self->cursor == nullptr ? nullptr : self->cursor + size;
  return self->cursor != nullptr;
}

// Of constants at namespace scope, which are made while the library is loaded. What is in it is
// never freed: the library is never unloaded.
inline thread_local Arena lasting_arena{nullptr, nullptr, grow_lasting};

}  // namespace detail

// The arena of the running call, which the engine sets around every batch call and nowhere else;
// outside of a call one whose memory lasts.
inline Arena& arena() {
  return detail::current_arena != nullptr ? *detail::current_arena : detail::lasting_arena;
}

}  // namespace gameflow
