#include "record/slot.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include <gameflow/decimal_text.h>
#include <gameflow/time.h>

#include "record/json_reader.h"
#include "record/json_scan.h"
#include "record/visit.h"

namespace gameflow::record {
namespace {

// The text of a number that begins at `digits`.
std::string_view number_text(const char* digits, const char* end) {
  const char* after = digits;
  while (after < end && scan::is_of_number(*after)) ++after;
  return {digits, static_cast<std::size_t>(after - digits)};
}

template <class T>
Fit put(T value, char* slot) {
  std::memcpy(slot, &value, sizeof value);
  return Fit::kFits;
}

// One written as 5.0 or 5e0: a double may not hold it.
template <class T>
Fit store_scientific(std::string_view text, char* slot) {
  detail::ScientificNumber number;
  detail::u128 digits = 0;
  bool is_exact = false;
  if (!number.parse(text)) return Fit::kNotOfType;
  const bool fits = number.with_exponent(0, digits, is_exact);
  if (fits && !is_exact) return Fit::kNotOfType;
  constexpr auto kMax = static_cast<detail::u128>(std::numeric_limits<T>::max());
  const detail::u128 lowest = std::is_signed_v<T> ? kMax + 1 : 0;
  if (!fits || digits > (number.is_negative ? lowest : kMax)) return Fit::kOutOfRange;
  return put(static_cast<T>(number.is_negative ? -digits : digits), slot);
}

template <class T>
Fit store_integer(const JsonNumber& number, const char* digits, const char* end, char* slot) {
  if (number.kind == JsonNumber::Kind::kDouble)
    return store_scientific<T>(number_text(digits, end), slot);
  const bool fits = number.kind == JsonNumber::Kind::kSigned ? std::in_range<T>(number.as_signed)
                                                             : std::in_range<T>(number.as_unsigned);
  if (!fits) return Fit::kOutOfRange;
  return put(static_cast<T>(number.as_unsigned), slot);  // the low bits, of either sign
}

Fit store_decimal(std::uint32_t scale, std::string_view text, char* slot) {
  DecimalSlot value{};
  switch (detail::parse_decimal(text, scale, value.units)) {
    case detail::DecimalFault::kNone:
      return put(value, slot);
    case detail::DecimalFault::kOutOfRange:
      return Fit::kOutOfRange;
    default:
      return Fit::kNotOfType;
  }
}

Fit store_time(i64 ms, char* slot) {
  if (ms < detail::kTimeBegin || ms >= detail::kTimeEnd) return Fit::kOutOfRange;
  return put(TimestampSlot{ms}, slot);
}

// A time in a unit, cut to ms.
Fit store_time(TimeUnit unit, std::string_view text, char* slot) {
  detail::ScientificNumber number;
  if (!number.parse(text)) return Fit::kNotOfType;
  number.exponent += unit == TimeUnit::kSeconds ? 3 : unit == TimeUnit::kMicroseconds ? -3 : 0;
  detail::u128 digits = 0;
  bool is_exact = false;
  if (!number.with_exponent(0, digits, is_exact) || digits >= detail::u128{detail::kTimeEnd})
    return Fit::kOutOfRange;
  const auto ms = static_cast<i64>(digits);
  return store_time(number.is_negative ? -ms - (is_exact ? 0 : 1) : ms, slot);
}

Fit store_enum(const Type& type, std::string_view word, char* slot) {
  for (std::size_t i = 0; i < type.variants.size(); ++i) {
    if (type.variants[i].read_name == word) return put(static_cast<u16>(i), slot);
  }
  return Fit::kNotOfType;
}

// A float has two zeros, and is written as "-0" where it is the other one.
template <class T>
T whole(const JsonNumber& number, const char* digits) {
  const T value = number.kind == JsonNumber::Kind::kSigned ? static_cast<T>(number.as_signed)
                                                           : static_cast<T>(number.as_unsigned);
  return value == 0 && *digits == '-' ? -value : value;
}

Fit store_f64(const JsonNumber& number, const char* digits, char* slot) {
  const f64 value =
      number.kind == JsonNumber::Kind::kDouble ? number.as_double : whole<f64>(number, digits);
  std::memcpy(slot, &value, sizeof value);
  return std::isfinite(value) ? Fit::kFits : Fit::kOutOfRange;
}

// From the digits again: by way of a double it would be rounded twice.
Fit store_f32(const JsonNumber& number, const char* digits, const char* end, char* slot) {
  f32 value = 0;
  if (number.kind != JsonNumber::Kind::kDouble) {
    value = whole<f32>(number, digits);
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

bool takes_number(const Type& type) {
  return visit(type.kind, [&]<class T>(std::type_identity<T>) {
    if constexpr (std::same_as<T, TimestampSlot>) return type.unit != TimeUnit::kNone;
    return NumberSlot<T> || std::same_as<T, DecimalSlot>;
  });
}

bool takes_word(const Type& type) {
  return type.kind == Kind::kTimestamp || type.kind == Kind::kDecimal || type.kind == Kind::kEnum;
}

Fit store_number(const Type& type, const JsonNumber& number, const char* digits, const char* end,
                 char* slot) {
  return visit(type.kind, [&]<class T>(std::type_identity<T>) {
    if constexpr (IntegerSlot<T>) return store_integer<T>(number, digits, end, slot);
    if constexpr (std::same_as<T, f32>) return store_f32(number, digits, end, slot);
    if constexpr (std::same_as<T, f64>) return store_f64(number, digits, slot);
    if constexpr (std::same_as<T, DecimalSlot>)
      return store_decimal(type.scale, number_text(digits, end), slot);
    if constexpr (std::same_as<T, TimestampSlot>) {
      return type.unit == TimeUnit::kNone ? Fit::kNotOfType
                                          : store_time(type.unit, number_text(digits, end), slot);
    }
    return Fit::kNotOfType;
  });
}

Fit store_word(const Type& type, std::string_view word, char* slot) {
  i64 ms = 0;
  switch (type.kind) {
    case Kind::kTimestamp:
      // Where numbers have a unit, so have digits in a text.
      if (type.unit != TimeUnit::kNone && detail::count_digits(word) == word.size())
        return store_time(type.unit, word, slot);
      return parse_time(word, &ms) ? store_time(ms, slot) : Fit::kNotOfType;
    case Kind::kDecimal:
      return store_decimal(type.scale, word, slot);
    case Kind::kEnum:
      return store_enum(type, word, slot);
    default:
      return Fit::kNotOfType;
  }
}

}  // namespace gameflow::record
