// Decoded values into the slots of structs: the rules of numbers and lists, without positions and
// messages. Internal to src/record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

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

  // The slot behind the last item, cleared; null where kBytesMax forbids it. The list counts it
  // when its `size` is raised.
  char* next_slot(ListLayout& list, const Type& item) {
    if (list.size == list.capacity && !grow(list, item)) return nullptr;
    char* slot = list.data + std::size_t{list.size} * item.size;
    item.clear(slot);
    return slot;
  }

 private:
  bool grow(ListLayout& list, const Type& item);
};

enum class Fit : std::uint8_t {
  kFits,
  kNotOfType,
  kOutOfRange,
};

// Whether a number, or a string, of JSON may be a value of the type: beside text and bytes, which
// strings are, too.
bool takes_number(const Type& type);
bool takes_word(const Type& type);

// Writes `number` into the slot of a type that takes numbers. `digits` is its text and ends at
// `end` or before, where nothing follows that could belong to it.
Fit store_number(const Type& type, const JsonNumber& number, const char* digits, const char* end,
                 char* slot);
// Writes the value that a string without escapes stands for into the slot of a type that takes
// words.
Fit store_word(const Type& type, std::string_view word, char* slot);

}  // namespace gameflow::record
