#include "query/exact_sum.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include <sqlite3.h>

#include <gameflow/decimal_text.h>

#include "query/decimal_value.h"
#include "query/large_u64.h"

namespace gameflow::query {
namespace {

using detail::i128;

constexpr std::uint32_t kScale = kExactScale;

// Zeroed by SQLite. What is added can be taken back, as windows of rows do.
struct Sum {
  i128 whole;     // of integers, those of u64 as well
  i128 exact;     // of decimals, in units of 10^-kScale
  double approx;  // of all other numbers
  std::int64_t integers, decimals, others;
  std::uint32_t long_scale;  // digits that those of many have shown
  bool has_long;
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

void add_whole(Sum& sum, i128 value, int sign) {
  sum.integers += sign;
  sum.whole += value * sign;
}

void add_text(Sum& sum, sqlite3_value* value, int sign) {
  const std::string_view text(reinterpret_cast<const char*>(sqlite3_value_text(value)),
                              static_cast<std::size_t>(sqlite3_value_bytes(value)));
  if (const auto number = large_u64(text)) return add_whole(sum, i128{*number}, sign);
  add_other(sum, sqlite3_value_double(value), sign);
}

void add_real(Sum& sum, double value, const LongDecimals& decimals, int sign) {
  if (const auto* const decimal = decimals.find(value)) {
    sum.has_long = true;
    sum.long_scale = std::max(sum.long_scale, decimal->scale);
    add_exact(sum, decimal->units, sign);
  } else if (const auto units = exact_decimal(value)) {
    add_exact(sum, *units, sign);
  } else {
    add_other(sum, value, sign);
  }
}

void add(Sum& sum, sqlite3_value* value, const LongDecimals& decimals, int sign) {
  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
      add_whole(sum, i128{sqlite3_value_int64(value)}, sign);
      break;
    case SQLITE_FLOAT:
      add_real(sum, sqlite3_value_double(value), decimals, sign);
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

LongDecimals& decimals_of(sqlite3_context* context) {
  return *static_cast<LongDecimals*>(sqlite3_user_data(context));
}

void give_whole(sqlite3_context* context, i128 whole) {
  if (whole >= INT64_MIN && whole <= INT64_MAX)
    return sqlite3_result_int64(context, static_cast<sqlite3_int64>(whole));
  if (whole > 0 && whole <= i128{UINT64_MAX}) {
    const std::string digits = large_u64_text(static_cast<std::uint64_t>(whole));
    return sqlite3_result_text64(context, digits.data(), digits.size(), SQLITE_TRANSIENT,
                                 SQLITE_UTF8);
  }
  constexpr const char* kOverflow =
      "integer overflow: the sum needs more than 64 bits; total() gives the nearest REAL";
  sqlite3_result_error(context, kOverflow, -1);
}

void give_exact(sqlite3_context* context, const Sum& sum, i128 units) {
  std::uint32_t scale = kScale;
  i128 few = units;
  for (; scale > 0 && few % 10 == 0; --scale) few /= 10;
  if (!sum.has_long || (few > -kDecimalUnitsEnd && few < kDecimalUnitsEnd))
    return sqlite3_result_double(context, static_cast<double>(few) / power_of_ten(scale));
  decimals_of(context).give(context, {units, std::max(scale, sum.long_scale)});
}

void give(sqlite3_context* context, const Sum* sum) {
  if (sum == nullptr || sum->integers + sum->decimals + sum->others == 0) return;  // NULL
  if (sum->decimals == 0 && sum->others == 0) return give_whole(context, sum->whole);
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
  add(*sum, value, decimals_of(context), sign);
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

void add_exact_sum(sqlite3* db, LongDecimals& decimals) {
  constexpr int kFlags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
  sqlite3_create_window_function(db, "sum", 1, kFlags, &decimals, &step, &finish, &finish,
                                 &take_back, nullptr);
}

}  // namespace gameflow::query
