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

namespace {

double next(double value, int direction) {
  return std::nextafter(value, direction * std::numeric_limits<double>::infinity());
}

double nearest(const LongDecimals::Decimal& decimal) {
  const std::string digits = decimal.text();
  double value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

// The double itself; where it is that of a decimal with few digits, the next one.
double beside(const LongDecimals::Decimal& decimal, double value) {
  const auto few_digits = exact_decimal(value);
  return few_digits ? next(value, decimal.units > *few_digits ? 1 : -1) : value;
}

}  // namespace

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

// Whether it has a place; `at` is that, or else the nearest double.
bool LongDecimals::place(const Decimal& decimal, double& at) {
  at = nearest(decimal);
  if (exact_decimal(at) == decimal.units) return true;
  double free = beside(decimal, at);
  int direction = decimal.units > exact_decimal(at).value_or(decimal.units) ? 1
                  : free < at                                               ? -1
                                                                            : 0;
  for (const Decimal* there = find(free); there != nullptr; there = find(free)) {
    if (there->units != decimal.units) {
      const int wanted = decimal.units > there->units ? 1 : -1;
      if (direction != 0 && direction != wanted) return false;  // between two neighbours
      direction = wanted;
      free = next(free, direction);
      if (exact_decimal(free)) return false;
      continue;
    }
    at = free;
    return true;
  }
  decimals_.emplace(free, decimal);
  at = free;
  return true;
}

double LongDecimals::double_of(const Decimal& decimal) {
  double at = 0;
  if (!place(decimal, at)) without_room_.push_back(decimal);
  return at;
}

// Places all that there are anew, in order. False where there is no room.
bool LongDecimals::make_room() {
  List all = std::move(without_room_);
  without_room_.clear();
  for (const auto& [value, decimal] : decimals_) all.push_back(decimal);
  decimals_.clear();
  std::ranges::sort(all, {}, &Decimal::units);
  const auto same = std::ranges::unique(all, {}, &Decimal::units);
  all.erase(same.begin(), same.end());
  std::vector<double, SqliteAllocator<double>> places(all.size());
  // Those below a decimal of few digits crowd down from it, all others up.
  for (std::size_t i = all.size(); i-- > 0;) {
    places[i] = beside(all[i], nearest(all[i]));
    const bool is_below = places[i] < nearest(all[i]);
    if (is_below && i + 1 < all.size() && places[i] >= places[i + 1])
      places[i] = next(places[i + 1], -1);
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool is_below = places[i] < nearest(all[i]);
    if (i > 0 && places[i] <= places[i - 1]) {
      if (is_below) return false;
      places[i] = next(places[i - 1], 1);
    }
    if (exact_decimal(places[i])) return false;
    decimals_.emplace(places[i], all[i]);
  }
  return true;
}

Status LongDecimals::run(const std::function<Status()>& query) {
  constexpr int kRunsMax = 4;
  clear();
  for (int i = 0; i < kRunsMax; ++i) {
    GF_TRY(query());
    if (without_room_.empty()) return {};
    if (!make_room()) break;
  }
  return fail(ErrorCode::kSqlInvalid,
              "there are decimals of more than 15 digits that are too near to each other for SQL "
              "to tell them apart; store them with fewer digits, or compare them in C++");
}

void LongDecimals::give(sqlite3_context* context, const Decimal& decimal) {
  try {
    sqlite3_result_double(context, double_of(decimal));
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
