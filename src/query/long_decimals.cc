#include "query/long_decimals.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <new>

#include <fmt/format.h>
#include <sqlite3.h>

#include "query/decimal_value.h"

namespace gameflow::query {

using detail::i128;
using detail::u128;

std::string LongDecimals::Decimal::text() const {
  u128 rest = units < 0 ? ~static_cast<u128>(units) + 1 : static_cast<u128>(units);
  for (std::uint32_t digit = scale; digit < kExactScale; ++digit) rest /= 10;  // zeros
  std::string digits;
  while (rest != 0 || digits.size() <= scale) {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
    rest /= 10;
  }
  if (scale != 0) digits.insert(digits.size() - scale, 1, '.');
  return units < 0 ? "-" + digits : digits;
}

LongDecimals::Decimal LongDecimals::Decimal::with_scale(std::optional<std::uint32_t> wanted) const {
  const bool is_lossless =
      wanted && units % detail::power_of_ten(kExactScale - std::min(*wanted, kExactScale)) == 0;
  return {units, is_lossless ? *wanted : scale};
}

std::string LongDecimals::no_room_for(std::string_view digits) {
  return fmt::format(
      "{} is too near to other decimals of more than 15 digits for SQL to tell them apart; round "
      "them to fewer digits where they are stored, or compare them in C++",
      digits);
}

std::optional<double> LongDecimals::double_of(const Decimal& decimal) {
  // Farther from the nearest double than this, it would not be a number near to the decimal.
  constexpr int kStepsMax = 1000;
  const std::string digits = decimal.text();
  double at = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), at);
  int direction = 0;
  const auto step = [&](i128 taken_by) {
    const int wanted = decimal.units > taken_by ? 1 : -1;
    if (direction != 0 && direction != wanted) return false;  // between two neighbours
    direction = wanted;
    at = std::nextafter(at, direction * std::numeric_limits<double>::infinity());
    return true;
  };
  if (const auto few_digits = exact_decimal(at)) {
    if (*few_digits == decimal.units) return at;
    step(*few_digits);
  }
  for (int i = 0; i < kStepsMax; ++i) {
    const Decimal* const there = find(at);
    if (there == nullptr) {
      decimals_.emplace(at, decimal);
      return at;
    }
    if (there->units == decimal.units) return at;
    if (!step(there->units) || exact_decimal(at)) break;
  }
  return std::nullopt;
}

void LongDecimals::give(sqlite3_context* context, const Decimal& decimal) {
  try {
    if (const auto value = double_of(decimal)) return sqlite3_result_double(context, *value);
    const std::string message = no_room_for(decimal.text());
    sqlite3_result_error(context, message.c_str(), -1);
  } catch (const std::bad_alloc&) {
    sqlite3_result_error_nomem(context);
  }
}

void add_exact_decimal(sqlite3* db, LongDecimals& decimals) {
  constexpr int kFlags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
  const auto call = [](sqlite3_context* context, int, sqlite3_value** values) {
    const std::string_view text(reinterpret_cast<const char*>(sqlite3_value_text(values[0])),
                                static_cast<std::size_t>(sqlite3_value_bytes(values[0])));
    const auto decimal = exact_decimal(text);
    if (!decimal) return sqlite3_result_double(context, sqlite3_value_double(values[0]));
    static_cast<LongDecimals*>(sqlite3_user_data(context))->give(context, *decimal);
  };
  sqlite3_create_function_v2(db, "exact_decimal", 1, kFlags, &decimals, call, nullptr, nullptr,
                             nullptr);
}

}  // namespace gameflow::query
