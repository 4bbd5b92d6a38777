// Decimal<N>: numbers with N digits after the point, exact.
//
// Errors   a result that does not fit, or that would lose digits, throws std::overflow_error or
//          std::range_error: the record goes to the dead letters.
#pragma once

#include <compare>
#include <concepts>
#include <limits>

#include <gameflow/decimal_text.h>

namespace gameflow {

namespace detail {

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

// The sum has the digits of the one that has more.
template <u32 A, u32 B>
requires(A != B) constexpr Decimal<(A > B ? A : B)> operator+(Decimal<A> a, Decimal<B> b) {
  return Decimal<(A > B ? A : B)>(a) + Decimal<(A > B ? A : B)>(b);
}
template <u32 A, u32 B>
requires(A != B) constexpr Decimal<(A > B ? A : B)> operator-(Decimal<A> a, Decimal<B> b) {
  return Decimal<(A > B ? A : B)>(a) - Decimal<(A > B ? A : B)>(b);
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
