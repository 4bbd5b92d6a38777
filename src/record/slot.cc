#include "record/slot.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "record/json_reader.h"
#include "record/visit.h"

namespace gameflow::record {
namespace {

template <class T>
Fit store_integer(const JsonNumber& number, char* slot) {
  if (number.kind == JsonNumber::Kind::kDouble) return Fit::kNoInteger;
  const bool fits = number.kind == JsonNumber::Kind::kSigned ? std::in_range<T>(number.as_signed)
                                                             : std::in_range<T>(number.as_unsigned);
  if (!fits) return Fit::kOutOfRange;
  const T value = static_cast<T>(number.as_unsigned);  // the low bits, of either sign
  std::memcpy(slot, &value, sizeof value);
  return Fit::kFits;
}

template <class T>
T whole(const JsonNumber& number) {
  return number.kind == JsonNumber::Kind::kSigned ? static_cast<T>(number.as_signed)
                                                  : static_cast<T>(number.as_unsigned);
}

Fit store_f64(const JsonNumber& number, char* slot) {
  const f64 value =
      number.kind == JsonNumber::Kind::kDouble ? number.as_double : whole<f64>(number);
  std::memcpy(slot, &value, sizeof value);
  return Fit::kFits;
}

// From the digits again: by way of a double it would be rounded twice.
Fit store_f32(const JsonNumber& number, const char* digits, const char* end, char* slot) {
  f32 value = 0;
  if (number.kind != JsonNumber::Kind::kDouble) {
    value = whole<f32>(number);
  } else if (std::from_chars(digits, end, value).ec != std::errc()) {
    if (std::abs(number.as_double) > 1) return Fit::kOutOfRange;
    value = static_cast<f32>(number.as_double);  // so small that it is zero, or nearly
  }
  std::memcpy(slot, &value, sizeof value);
  return Fit::kFits;
}

}  // namespace

bool ListMemory::grow(ListLayout& list, const Type& item) {
  const std::size_t capacity = list.capacity == 0 ? 8 : std::size_t{list.capacity} * 2;
  bytes += (capacity - list.capacity) * item.size;
  if (bytes > kBytesMax || capacity > std::numeric_limits<std::uint32_t>::max()) return false;
  auto* data = static_cast<char*>(arena->allocate(capacity * item.size, item.align));
  if (list.size != 0) std::memcpy(data, list.data, std::size_t{list.size} * item.size);
  list.data = data;
  list.capacity = static_cast<std::uint32_t>(capacity);
  return true;
}

Fit store_number(Kind kind, const JsonNumber& number, const char* digits, const char* end,
                 char* slot) {
  return visit(kind, [&]<class T>(std::type_identity<T>) {
    if constexpr (IntegerSlot<T>) return store_integer<T>(number, slot);
    if constexpr (std::same_as<T, f32>) return store_f32(number, digits, end, slot);
    return store_f64(number, slot);
  });
}

}  // namespace gameflow::record
