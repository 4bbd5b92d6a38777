// Decimal<N>: numbers with N digits after the point, exact.
//
// Errors   a result that does not fit, or that would lose digits, throws std::overflow_error or
//          std::range_error: the record goes to the dead letters.
#pragma once

#include <compare>
#include <concepts>
#include <cstdint>
#include <limits>

#include <gameflow/types.h>

namespace gameflow {

namespace detail {

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
  units = static_cast<i64>(number.is_negative ? -static_cast<i128>(digits)
                                              : static_cast<i128>(digits));
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

template <class T>
concept WholeNumber = std::integral<T> && !std::same_as<T, bool>;

}  // namespace detail

template <u32 Scale>
class Decimal {
  static_assert(Scale <= detail::kScaleMax, "a Decimal has at most 18 digits after the point");

 public:
  constexpr Decimal() = default;
  template <detail::WholeNumber Integer>
  constexpr Decimal(Integer whole)  // NOLINT: implicit, as it is exact
      : units_(checked(static_cast<detail::i128>(whole) * kOne)) {}
  template <std::floating_point Float>
  Decimal(Float) = delete;  // not exact: write Decimal<2>("9.80")
  template <u32 Other>
  constexpr Decimal(Decimal<Other> other)  // NOLINT: implicit; throws where digits would be lost
      : units_(scaled(other)) {}
  // As JSON writes numbers, with at most Scale digits after the point.
  explicit constexpr Decimal(std::string_view text) {
    if (detail::parse_decimal(text, Scale, units_) != detail::DecimalFault::kNone)
      throw std::range_error("no number with at most " + std::to_string(Scale) +
                             " digits after the point: \"" + std::string(text) + "\"");
  }

  static constexpr Decimal from_units(i64 units) {
    Decimal made;
    made.units_ = units;
    return made;
  }
  // The number times 10^Scale.
  constexpr i64 units() const { return units_; }

  // To fewer digits, halves away from zero.
  template <u32 Other>
  constexpr Decimal<Other> rounded() const {
    if constexpr (Other >= Scale) {
      return *this;
    } else {
      constexpr i64 kStep = detail::power_of_ten(Scale - Other);
      const i64 rest = units_ % kStep;
      i64 units = units_ / kStep;
      if (rest >= kStep / 2 + kStep % 2) ++units;
      if (rest <= -(kStep / 2 + kStep % 2)) --units;
      return Decimal<Other>::from_units(units);
    }
  }
  explicit constexpr operator f64() const {
    return static_cast<f64>(units_) / static_cast<f64>(kOne);
  }

  constexpr Decimal operator-() const { return from_units(checked(-detail::i128{units_})); }
  constexpr Decimal& operator+=(Decimal other) {
    units_ = checked(detail::i128{units_} + other.units_);
    return *this;
  }
  constexpr Decimal& operator-=(Decimal other) {
    units_ = checked(detail::i128{units_} - other.units_);
    return *this;
  }
  template <class Factor>
  constexpr Decimal& operator*=(const Factor& factor) {
    return *this = *this * factor;
  }
  friend constexpr Decimal operator+(Decimal a, Decimal b) { return a += b; }
  friend constexpr Decimal operator-(Decimal a, Decimal b) { return a -= b; }
  template <detail::WholeNumber Integer>
  friend constexpr Decimal operator*(Decimal a, Integer b) {
    return product(a.units_, static_cast<detail::i128>(b));
  }
  template <detail::WholeNumber Integer>
  friend constexpr Decimal operator*(Integer a, Decimal b) {
    return b * a;
  }
  friend constexpr bool operator==(Decimal a, Decimal b) = default;
  friend constexpr auto operator<=>(Decimal a, Decimal b) = default;

  template <class Stream, class = typename Stream::char_type>
  friend Stream& operator<<(Stream& out, Decimal value) {
    out << to_text(value).view();
    return out;
  }
  // "-9.80"
  friend Text to_text(Decimal value) {
    char text[detail::kDecimalBytesMax];
    return std::string_view(text, detail::write_decimal(value.units_, Scale, text));
  }

 private:
  template <u32 Other>
  friend class Decimal;

  static constexpr i64 kOne = detail::power_of_ten(Scale);

  static constexpr i64 checked(detail::i128 units) {
    if (units > std::numeric_limits<i64>::max() || units < std::numeric_limits<i64>::min())
      throw std::overflow_error("the number is too large for a Decimal<" + std::to_string(Scale) +
                                ">");
    return static_cast<i64>(units);
  }
  static constexpr Decimal product(i64 units, detail::i128 factor) {
    detail::i128 result = 0;
    if (__builtin_mul_overflow(detail::i128{units}, factor, &result))
      result = std::numeric_limits<detail::i128>::max();
    return from_units(checked(result));
  }
  template <u32 Other>
  static constexpr i64 scaled(Decimal<Other> other) {
    if constexpr (Other <= Scale) {
      return checked(detail::i128{other.units()} * detail::power_of_ten(Scale - Other));
    } else {
      constexpr i64 kStep = detail::power_of_ten(Other - Scale);
      if (other.units() % kStep != 0)
        throw std::range_error("the number has more than " + std::to_string(Scale) +
                               " digits after the point; rounded<" + std::to_string(Scale) +
                               ">() rounds it");
      return other.units() / kStep;
    }
  }

  i64 units_ = 0;
};

// Of two decimals exact, too: the product has the digits of both. It becomes one with fewer where
// nothing is lost by that.
template <u32 A, u32 B>
constexpr Decimal<A + B> operator*(Decimal<A> a, Decimal<B> b) {
  const auto units = static_cast<detail::i128>(a.units()) * b.units();
  if (units > std::numeric_limits<i64>::max() || units < std::numeric_limits<i64>::min())
    throw std::overflow_error("the product is too large for a Decimal<" + std::to_string(A + B) +
                              ">");
  return Decimal<A + B>::from_units(static_cast<i64>(units));
}

// Numbers with other digits behind the point.
template <u32 A, u32 B>
requires(A != B) constexpr bool operator==(Decimal<A> a, Decimal<B> b) {
  return (a <=> b) == 0;
}
template <u32 A, u32 B>
requires(A != B) constexpr std::strong_ordering operator<=>(Decimal<A> a, Decimal<B> b) {
  const auto left = static_cast<detail::i128>(a.units()) * detail::power_of_ten(A < B ? B - A : 0);
  const auto right = static_cast<detail::i128>(b.units()) * detail::power_of_ten(B < A ? A - B : 0);
  return left < right   ? std::strong_ordering::less
         : right < left ? std::strong_ordering::greater
                        : std::strong_ordering::equal;
}

}  // namespace gameflow
