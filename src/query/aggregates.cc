#include "query/aggregates.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <sqlite3.h>

#include "query/large_u64.h"

namespace gameflow::query {
namespace {

// Zeroed by SQLite. The numbers are SQLite's memory, so that the query's budget covers them.
struct Numbers {
  double* data;
  std::size_t size, capacity;
  double percent;
  bool failed;
};

void fail_with(sqlite3_context* context, Numbers& numbers, const char* message) {
  numbers.failed = true;
  sqlite3_result_error(context, message, -1);
}

void push(sqlite3_context* context, Numbers& numbers, double value) {
  if (numbers.size == numbers.capacity) {
    const std::size_t capacity = numbers.capacity == 0 ? 64 : numbers.capacity * 2;
    auto* grown = static_cast<double*>(sqlite3_realloc64(numbers.data, capacity * sizeof(double)));
    if (grown == nullptr) {
      numbers.failed = true;
      sqlite3_result_error_nomem(context);
      return;
    }
    numbers.data = grown;
    numbers.capacity = capacity;
  }
  numbers.data[numbers.size++] = value;
}

bool is_large_u64(sqlite3_value* value) {
  if (sqlite3_value_type(value) != SQLITE_TEXT) return false;
  return large_u64({reinterpret_cast<const char*>(sqlite3_value_text(value)),
                    static_cast<std::size_t>(sqlite3_value_bytes(value))})
      .has_value();
}

void step(sqlite3_context* context, int count, sqlite3_value** values) {
  auto* numbers = static_cast<Numbers*>(sqlite3_aggregate_context(context, sizeof(Numbers)));
  if (numbers == nullptr) return sqlite3_result_error_nomem(context);
  if (numbers->failed) return;
  numbers->percent = count == 2 ? sqlite3_value_double(values[1]) : 50.0;
  if (!(numbers->percent >= 0.0 && numbers->percent <= 100.0)) {
    return fail_with(context, *numbers, "percentile(x, p): p is not in [0, 100]");
  }
  const int type = sqlite3_value_type(values[0]);
  if (type == SQLITE_NULL) return;
  if (type != SQLITE_INTEGER && type != SQLITE_FLOAT && !is_large_u64(values[0])) {
    return fail_with(context, *numbers, "median and percentile take numbers");
  }
  push(context, *numbers, sqlite3_value_double(values[0]));
}

double quantile(double* data, std::size_t size, double fraction) {
  const double place = fraction * static_cast<double>(size - 1);
  const auto below = static_cast<std::size_t>(std::floor(place));
  std::nth_element(data, data + below, data + size);
  const double low = data[below];
  if (below + 1 == size) return low;
  const double high = *std::min_element(data + below + 1, data + size);
  return low + (place - std::floor(place)) * (high - low);
}

void finish(sqlite3_context* context) {
  auto* numbers = static_cast<Numbers*>(sqlite3_aggregate_context(context, 0));
  if (numbers == nullptr) return;  // no row: NULL
  if (!numbers->failed && numbers->size != 0) {
    sqlite3_result_double(context,
                          quantile(numbers->data, numbers->size, numbers->percent / 100.0));
  }
  sqlite3_free(numbers->data);
}

}  // namespace

void add_aggregates(sqlite3* db) {
  constexpr int kFlags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
  sqlite3_create_function_v2(db, "median", 1, kFlags, nullptr, nullptr, &step, &finish, nullptr);
  sqlite3_create_function_v2(db, "percentile", 2, kFlags, nullptr, nullptr, &step, &finish,
                             nullptr);
}

}  // namespace gameflow::query
