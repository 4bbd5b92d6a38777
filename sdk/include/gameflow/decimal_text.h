// Decimals and other numbers of JSON as text, without a float in between.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

#include <gameflow/types.h>

namespace gameflow::detail {

__extension__ typedef __int128 i128;
__extension__ typedef unsigned __int128 u128;

// Digits after the point that a Decimal may have: with 18 there is still one before it.
inline constexpr u32 kScaleMax = 18;

constexpr i64 power_of_ten(u32 exponent) {
  i64 power = 1;
  for (; exponent > 0; --exponent) power *= 10;
  return power;
}

// A number as JSON writes it: +-mantissa * 10^exponent.
struct ScientificNumber {
  bool is_negative = false;
  bool is_huge = false;  // the mantissa has more digits than it can hold
  u128 mantissa = 0;
  i32 exponent = 0;

  // False where the text is no number of JSON.
  constexpr bool parse(std::string_view text) {
    const char* at = text.data();
    const char* const end = at + text.size();
    const auto is_digit = [&] { return at != end && *at >= '0' && *at <= '9'; };
    is_negative = at != end && *at == '-';
    if (is_negative) ++at;
    if (!is_digit()) return false;
    const bool starts_with_zero = *at == '0';
    const char* const whole = at;
    for (; is_digit(); ++at) push(*at);
    if (starts_with_zero && at - whole > 1) return false;
    if (at != end && *at == '.') {
      ++at;
      if (!is_digit()) return false;
      for (; is_digit(); ++at, --exponent) push(*at);
    }
    if (at != end && (*at == 'e' || *at == 'E')) {
      ++at;
      const bool is_down = at != end && *at == '-';
      if (at != end && (*at == '-' || *at == '+')) ++at;
      if (!is_digit()) return false;
      i32 power = 0;
      for (; is_digit(); ++at) power = power < 100'000 ? power * 10 + (*at - '0') : power;
      exponent += is_down ? -power : power;
    }
    return at == end;
  }

  // The same number with the exponent `wanted`, digits behind it cut off. False where it is too
  // large for that; `is_exact` says whether nothing was cut.
  constexpr bool with_exponent(i32 wanted, u128& digits, bool& is_exact) const {
    digits = mantissa;
    is_exact = !is_huge;
    i32 from = exponent;
    for (; from > wanted && digits != 0; --from) {
      if (digits > ~u128{0} / 10) return false;
      digits *= 10;
    }
    for (; from < wanted && digits != 0; ++from) {
      is_exact = is_exact && digits % 10 == 0;
      digits /= 10;
    }
    return !is_huge;
  }

 private:
  constexpr void push(char digit) {
    if (mantissa > (~u128{0} - 9) / 10) {
      is_huge = true;
    } else {
      mantissa = mantissa * 10 + static_cast<u128>(digit - '0');
    }
  }
};

enum class DecimalFault : std::uint8_t { kNone, kNoNumber, kTooManyDigits, kOutOfRange };

// `text` as units of 10^-scale; written only where there is no fault.
constexpr DecimalFault parse_decimal(std::string_view text, u32 scale, i64& units) {
  ScientificNumber number;
  if (!number.parse(text)) return DecimalFault::kNoNumber;
  const i32 exponent = -static_cast<i32>(scale);
  if (number.exponent < exponent) return DecimalFault::kTooManyDigits;
  u128 digits = 0;
  bool is_exact = false;
  const u128 max = u128{std::numeric_limits<u64>::max() / 2} + (number.is_negative ? 1 : 0);
  if (!number.with_exponent(exponent, digits, is_exact) || digits > max)
    return DecimalFault::kOutOfRange;
  units =
      static_cast<i64>(number.is_negative ? -static_cast<i128>(digits) : static_cast<i128>(digits));
  return DecimalFault::kNone;
}

// Writes "-9.80" and returns how long it is, at most kDecimalBytesMax.
inline constexpr std::size_t kDecimalBytesMax = 24;
constexpr std::size_t write_decimal(i64 units, u32 scale, char* out) {
  char digits[kDecimalBytesMax] = {};
  std::size_t count = 0;
  u64 rest = units < 0 ? ~static_cast<u64>(units) + 1 : static_cast<u64>(units);
  while (rest != 0 || count <= scale) {
    digits[count++] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  }
  std::size_t size = 0;
  if (units < 0) out[size++] = '-';
  while (count > 0) {
    out[size++] = digits[--count];
    if (count == scale && scale != 0) out[size++] = '.';
  }
  return size;
}

}  // namespace gameflow::detail
