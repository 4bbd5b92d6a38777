#include "query/decimal_value.h"

#include <algorithm>

namespace gameflow::query {

using detail::i128;

std::optional<i128> exact_decimal(double value) {
  const auto at_scale = [value](std::uint32_t scale) -> std::optional<i128> {
    const double scaled = value * power_of_ten(scale);
    if (std::abs(scaled - std::nearbyint(scaled)) > 1e-3) return std::nullopt;  // spares a division
    const auto found = exact_units(value, scale);
    if (!found) return std::nullopt;
    return i128{*found} * detail::power_of_ten(kExactScale - scale);
  };
  const auto has_room = [value](std::uint32_t scale) {
    return std::abs(value * power_of_ten(scale)) < static_cast<double>(kDecimalUnitsEnd);
  };
  std::uint32_t tried = 0;
  for (std::uint32_t scale : {2U, 4U, 6U, 9U, 12U, 15U, 18U}) {
    const bool is_last = !has_room(scale);
    while (scale > tried && !has_room(scale)) --scale;
    if (const auto found = at_scale(scale)) return found;
    if (is_last) break;
    tried = scale;
  }
  return std::nullopt;
}

std::optional<LongDecimals::Decimal> exact_decimal(std::string_view text) {
  detail::ScientificNumber number;
  detail::u128 digits = 0;
  bool is_exact = false;
  const bool is_decimal =
      number.parse(text) && number.exponent <= 0 &&
      number.with_exponent(-static_cast<std::int32_t>(kExactScale), digits, is_exact) && is_exact &&
      digits < detail::u128{1} << 126;
  if (!is_decimal) return std::nullopt;
  const auto units = static_cast<i128>(digits);
  return LongDecimals::Decimal{number.is_negative ? -units : units,
                               std::min(static_cast<std::uint32_t>(-number.exponent), kExactScale)};
}

}  // namespace gameflow::query
