#include "query/exact_sum.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include <sqlite3.h>

#include <gameflow/decimal_text.h>

#include "query/decimal_value.h"

namespace gameflow::query {
namespace {

using detail::i128;

constexpr std::uint32_t kScale = kExactScale;

// Zeroed by SQLite. What is added can be taken back, as windows of rows do.
struct Sum {
  i128 whole;     // of INTEGERs
  i128 exact;     // of decimals, in units of 10^-kScale
  double approx;  // of all other numbers
  std::int64_t integers, decimals, others;
  std::uint32_t text_scale;  // digits that decimals as text have shown
  bool has_text;
  bool is_too_large;  // for `exact`
};

void add_exact(Sum& sum, i128 units, int sign) {
  sum.decimals += sign;
  if (__builtin_add_overflow(sum.exact, units * sign, &sum.exact)) sum.is_too_large = true;
}

void add_other(Sum& sum, double value, int sign) {
  sum.others += sign;
  sum.approx += sign * value;
}

void add_text(Sum& sum, sqlite3_value* value, int sign) {
  const std::string_view text(reinterpret_cast<const char*>(sqlite3_value_text(value)),
                              static_cast<std::size_t>(sqlite3_value_bytes(value)));
  const auto decimal = exact_decimal(text);
  if (!decimal) return add_other(sum, sqlite3_value_double(value), sign);
  sum.has_text = true;
  sum.text_scale = std::max(sum.text_scale, decimal->scale);
  add_exact(sum, decimal->units, sign);
}

void add(Sum& sum, sqlite3_value* value, int sign) {
  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
      sum.integers += sign;
      sum.whole += i128{sqlite3_value_int64(value)} * sign;
      break;
    case SQLITE_FLOAT:
      if (const auto units = exact_decimal(sqlite3_value_double(value))) {
        add_exact(sum, *units, sign);
      } else {
        add_other(sum, sqlite3_value_double(value), sign);
      }
      break;
    case SQLITE_TEXT:
      add_text(sum, value, sign);
      break;
    case SQLITE_BLOB:
      add_other(sum, sqlite3_value_double(value), sign);
      break;
    default:
      break;  // NULL
  }
}

std::string digits_of(i128 units, std::uint32_t scale) {
  detail::u128 rest =
      units < 0 ? ~static_cast<detail::u128>(units) + 1 : static_cast<detail::u128>(units);
  std::string digits;
  while (rest != 0 || digits.size() <= scale) {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
    rest /= 10;
  }
  if (scale != 0) digits.insert(digits.size() - scale, 1, '.');
  return units < 0 ? "-" + digits : digits;
}

void give_exact(sqlite3_context* context, const Sum& sum, i128 units) {
  std::uint32_t scale = kScale;
  const std::uint32_t scale_min = sum.has_text ? sum.text_scale : 0;
  for (; scale > scale_min && units % 10 == 0; --scale) units /= 10;
  if (units > -kDecimalUnitsEnd && units < kDecimalUnitsEnd) {
    sqlite3_result_double(context, static_cast<double>(units) / power_of_ten(scale));
  } else if (sum.has_text) {
    const std::string digits = digits_of(units, scale);
    sqlite3_result_text64(context, digits.data(), digits.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  } else {
    sqlite3_result_double(context, static_cast<double>(units) / power_of_ten(scale));
  }
}

void give(sqlite3_context* context, const Sum* sum) {
  if (sum == nullptr || sum->integers + sum->decimals + sum->others == 0) return;  // NULL
  if (sum->decimals == 0 && sum->others == 0) {
    if (sum->whole > INT64_MAX || sum->whole < INT64_MIN)
      return sqlite3_result_error(context, "integer overflow", -1);
    return sqlite3_result_int64(context, static_cast<sqlite3_int64>(sum->whole));
  }
  i128 total = 0;
  const bool is_exact =
      sum->others == 0 && !sum->is_too_large &&
      !__builtin_mul_overflow(sum->whole, i128{detail::power_of_ten(kScale)}, &total) &&
      !__builtin_add_overflow(total, sum->exact, &total);
  if (is_exact) return give_exact(context, *sum, total);
  sqlite3_result_double(context, sum->approx + static_cast<double>(sum->whole) +
                                     static_cast<double>(sum->exact) / power_of_ten(kScale));
}

void change(sqlite3_context* context, sqlite3_value* value, int sign) {
  auto* const sum = static_cast<Sum*>(sqlite3_aggregate_context(context, sizeof(Sum)));
  if (sum == nullptr) return sqlite3_result_error_nomem(context);
  add(*sum, value, sign);
}

void step(sqlite3_context* context, int, sqlite3_value** values) {
  change(context, values[0], 1);
}

void take_back(sqlite3_context* context, int, sqlite3_value** values) {
  change(context, values[0], -1);
}

void finish(sqlite3_context* context) {
  give(context, static_cast<const Sum*>(sqlite3_aggregate_context(context, 0)));
}

}  // namespace

void add_exact_sum(sqlite3* db) {
  constexpr int kFlags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
  sqlite3_create_window_function(db, "sum", 1, kFlags, nullptr, &step, &finish, &finish, &take_back,
                                 nullptr);
}

}  // namespace gameflow::query
