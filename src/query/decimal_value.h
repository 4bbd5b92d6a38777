// Decimals in SQL: the nearest double, which of up to 15 digits says exactly which decimal it is.
// Of those of more digits long_decimals.h keeps which they are.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>

#include <gameflow/decimal_text.h>

#include "query/long_decimals.h"

namespace gameflow::query {

// Of decimals whose units are smaller, no two have the same double.
inline constexpr std::int64_t kDecimalUnitsEnd = 1'000'000'000'000'000;

// Powers of ten that are doubles.
inline double power_of_ten(std::uint32_t exponent) {
  return static_cast<double>(detail::power_of_ten(exponent));
}

// units / 10^scale; nothing where it has too many digits for that.
inline std::optional<double> decimal_as_double(std::int64_t units, std::uint32_t scale) {
  if (units <= -kDecimalUnitsEnd || units >= kDecimalUnitsEnd) return std::nullopt;
  return static_cast<double>(units) / power_of_ten(scale);
}

// The units of the decimal whose double this is; nothing where it is none with so few digits.
inline std::optional<std::int64_t> exact_units(double value, std::uint32_t scale) {
  const double units = std::nearbyint(value * power_of_ten(scale));
  if (!(std::abs(units) < static_cast<double>(kDecimalUnitsEnd))) return std::nullopt;
  if (units / power_of_ten(scale) != value) return std::nullopt;
  return static_cast<std::int64_t>(units);
}

// The same of a result of calculations, which may be a little off.
inline std::optional<std::int64_t> near_units(double value, std::uint32_t scale) {
  const double scaled = value * power_of_ten(scale);
  const double units = std::nearbyint(scaled);
  if (!(std::abs(units) < static_cast<double>(kDecimalUnitsEnd))) return std::nullopt;
  constexpr double kOff = 1e-6, kOffOfLarge = 1e-14;
  if (std::abs(scaled - units) > kOff + std::abs(units) * kOffOfLarge) return std::nullopt;
  return static_cast<std::int64_t>(units);
}

// What is exact whatever its scale is counted in units of 10^-kExactScale.
inline constexpr std::uint32_t kExactScale = detail::kScaleMax;

// A number with few digits as what it is written as; whether it is one depends on the number alone.
std::optional<detail::i128> exact_decimal(double value);
// The same of text.
std::optional<LongDecimals::Decimal> exact_decimal(std::string_view text);

}  // namespace gameflow::query
