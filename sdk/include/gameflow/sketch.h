// What the sketches of rows, Distinct and Quantiles, have in common. Not for operators.
//
// A sketch is bytes, in a form that depends on the set of its inputs alone, and what was added
// since, in order of arrival. Neither changes in place while records come: what was added only
// becomes more, and when it is much, both become new bytes. So a record that fails is taken back
// with the bytes of its row, and who reads the row meanwhile sees what there was.
#pragma once

#include <algorithm>
#include <string>

#include <gameflow/types.h>

namespace gameflow::detail {

// The memory of a sketch, in its row. A copy has its own.
template <class Item>
class SketchMemory {
 public:
  static constexpr u32 kAddedMax = 256;

  SketchMemory() = default;
  SketchMemory(SketchMemory&& other) noexcept = default;
  SketchMemory& operator=(SketchMemory&& other) noexcept = default;
  SketchMemory(const SketchMemory& other) { *this = other; }
  SketchMemory& operator=(const SketchMemory& other) {
    if (this == &other) return *this;
    bytes_ = other.capacity_ == 0 ? other.bytes_ : copy_of(other.bytes_, other.size_);
    added_ = copy_of(other.added_, other.added_count_ * sizeof(Item));
    size_ = other.size_;
    capacity_ = 0;
    added_count_ = added_capacity_ = other.added_count_;
    return *this;
  }

  const char* bytes() const { return bytes_; }
  char* bytes() { return const_cast<char*>(bytes_); }  // where is_own()
  u32 size() const { return size_; }
  // Whether nobody else has these bytes, so that they may change in place.
  bool is_own() const { return capacity_ != 0; }
  u32 capacity() const { return capacity_; }
  const Item* added() const { return added_; }
  u32 added_count() const { return added_count_; }

  // Becomes `size` bytes that are there for others, too, or where `capacity` is not 0 its own.
  void become(const char* bytes, std::size_t size, std::size_t capacity = 0) {
    *this = SketchMemory();
    bytes_ = bytes;
    size_ = static_cast<u32>(size);
    capacity_ = static_cast<u32>(capacity);
  }

  // One more; not at kAddedMax.
  void add(const Item& item) {
    if (added_count_ == added_capacity_) {
      const u32 grown = added_capacity_ == 0 ? 4 : std::min(added_capacity_ * 4, kAddedMax);
      auto* const more = static_cast<Item*>(arena().allocate(grown * sizeof(Item), alignof(Item)));
      std::copy_n(added_, added_count_, more);
      added_ = more;
      added_capacity_ = grown;
    }
    added_[added_count_++] = item;
  }

 private:
  static char* copy_of(const char* from, std::size_t size) {
    return size == 0 ? nullptr
                     : static_cast<char*>(std::memcpy(arena().allocate(size, 8), from, size));
  }
  static Item* copy_of(const Item* from, std::size_t size) {
    return reinterpret_cast<Item*>(copy_of(reinterpret_cast<const char*>(from), size));
  }

  const char* bytes_ = nullptr;  // at a multiple of 8
  Item* added_ = nullptr;
  u32 size_ = 0;
  u32 capacity_ = 0;
  u32 added_count_ = 0;
  u32 added_capacity_ = 0;
};

// An arena over memory of its own, for what is looked at once.
template <std::size_t Bytes>
struct LocalArena : Arena {
  LocalArena() {  // nothing in it is looked at before it is written
    cursor = block;
    end = block + Bytes;
  }
  alignas(8) char block[Bytes];
};

// Sorted runs of items that differ in their place. Items is { place_of(item), joined(a, b) }, the
// latter of two items in one place.
template <class Items>
struct SortedRun {
  using Item = typename Items::Item;

  // Sorts, and joins what is in one place; how many are left.
  static u32 make(Item* items, u32 count) {
    std::sort(items, items + count);
    u32 kept = 0;
    for (u32 i = 0; i < count; ++i) {
      if (kept != 0 && Items::place_of(items[kept - 1]) == Items::place_of(items[i])) {
        items[kept - 1] = Items::joined(items[kept - 1], items[i]);
      } else {
        items[kept++] = items[i];
      }
    }
    return kept;
  }

  static u32 count_joined(const Item* a, u32 a_count, const Item* b, u32 b_count) {
    u32 i = 0, j = 0, count = 0;
    for (; i < a_count && j < b_count; ++count) {
      const auto left = Items::place_of(a[i]), right = Items::place_of(b[j]);
      i += left <= right ? 1 : 0;
      j += right <= left ? 1 : 0;
    }
    return count + (a_count - i) + (b_count - j);
  }

  // `a` has room for `count`, which count_joined() gave. From the end, so that nothing is
  // overwritten that is still to be read.
  static void join(Item* a, u32 a_count, const Item* b, u32 b_count, u32 count) {
    while (b_count != 0) {
      const auto right = Items::place_of(b[b_count - 1]);
      if (a_count != 0 && Items::place_of(a[a_count - 1]) > right) {
        a[--count] = a[--a_count];
      } else if (a_count != 0 && Items::place_of(a[a_count - 1]) == right) {
        a[--count] = Items::joined(a[--a_count], b[--b_count]);
      } else {
        a[--count] = b[--b_count];
      }
    }
  }
};

// What generated code and the engine do with sketches, beside operators.
struct SketchAccess {
  // Puts all of it into bytes in `arena`, or copies them there; `into`'s own memory is not needed
  // any more.
  template <class Sketch>
  static void settle(Sketch& sketch, Arena& arena) {
    sketch.settle(arena);
  }
  template <class Sketch>
  static bool is_settled(const Sketch& sketch) {
    return sketch.memory_.added_count() == 0 && !sketch.memory_.is_own();
  }
  // The same, settled; it may share its bytes, or has them in `arena`.
  template <class Sketch>
  static Sketch folded(const Sketch& sketch, Arena& arena) {
    return sketch.folded(arena);
  }
  // Of a sketch that is settled.
  template <class Sketch>
  static std::string_view bytes(const Sketch& sketch) {
    return {sketch.memory_.bytes(), sketch.memory_.size()};
  }
  // The sketch whose bytes these are; they are at a multiple of 8, and last. False: they are none.
  template <class Sketch>
  static bool read(std::string_view bytes, Sketch& sketch) {
    return sketch.read(bytes);
  }
  // As merge(), in `arena`, but in place once the memory is `into`'s own: not within a record,
  // which might fail.
  template <class Sketch>
  static void merge_in_place(Sketch& into, const Sketch& from, Arena& arena) {
    into.merge(from, arena, true);
  }
};

}  // namespace gameflow::detail
