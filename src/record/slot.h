// Decoded values into the slots of structs: the rules of numbers and lists, without positions and
// messages. Internal to src/record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <gameflow/types.h>

#include "record/arena.h"
#include "record/type.h"

namespace gameflow::record {

struct JsonNumber;

// List<T> of any T, as bytes.
struct ListLayout {
  char* data = nullptr;
  std::uint32_t size = 0;
  std::uint32_t capacity = 0;
};
static_assert(sizeof(ListLayout) == sizeof(List<u64>) && alignof(ListLayout) == alignof(List<u64>));

// Where the lists of one record grow.
struct ListMemory {
  // Small JSON may ask for large structs ("[{},{},…" of optional fields): what the lists of one
  // record may take.
  static constexpr std::size_t kBytesMax = std::size_t{256} << 20;

  Arena* arena = nullptr;
  std::size_t bytes = 0;  // that were asked for

  // The slot behind the last item, zeroed; null where kBytesMax forbids it. The list counts it when
  // its `size` is raised.
  char* next_slot(ListLayout& list, const Type& item) {
    if (list.size == list.capacity && !grow(list, item)) return nullptr;
    char* slot = list.data + std::size_t{list.size} * item.size;
    std::memset(slot, 0, item.size);
    return slot;
  }

 private:
  bool grow(ListLayout& list, const Type& item);
};

enum class Fit : std::uint8_t {
  kFits,
  kNoInteger,  // has a fraction or an exponent, and the slot is an integer's
  kOutOfRange,
};

// Writes `number` into the slot of a value of kind `kind`, which is a kind of numbers. `digits` is
// its text and ends at `end` or before.
Fit store_number(Kind kind, const JsonNumber& number, const char* digits, const char* end,
                 char* slot);

}  // namespace gameflow::record
