#include "query/refuse_constants.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include <sqlite3.h>

#include "query/decimal_value.h"
#include "query/large_u64.h"

namespace gameflow::query {
namespace {

using record::Kind;

constexpr int kComparisons[] = {SQLITE_INDEX_CONSTRAINT_EQ, SQLITE_INDEX_CONSTRAINT_NE,
                                SQLITE_INDEX_CONSTRAINT_GT, SQLITE_INDEX_CONSTRAINT_GE,
                                SQLITE_INDEX_CONSTRAINT_LT, SQLITE_INDEX_CONSTRAINT_LE,
                                SQLITE_INDEX_CONSTRAINT_IS, SQLITE_INDEX_CONSTRAINT_ISNOT};

// With the column's name for %s; null where SQLite compares well.
const char* advice_on(Kind kind, sqlite3_value* constant) {
  const int type = sqlite3_value_type(constant);
  if (kind == Kind::kU64 && type == SQLITE_TEXT) {
    const std::string_view text(reinterpret_cast<const char*>(sqlite3_value_text(constant)),
                                static_cast<std::size_t>(sqlite3_value_bytes(constant)));
    return large_u64(text) ? nullptr : "column %s is a u64: write the number without quotes";
  }
  if (kind == Kind::kU64 && type == SQLITE_FLOAT &&
      sqlite3_value_double(constant) >= static_cast<double>(kLargeU64Min))
    return "column %s is a u64: write a whole number of at most 18446744073709551615";
  if (kind == Kind::kDecimal && type == SQLITE_INTEGER) {
    const std::int64_t value = sqlite3_value_int64(constant);
    if (value <= -kDecimalUnitsEnd || value >= kDecimalUnitsEnd)
      return "column %s is a decimal: write a number of more than 15 digits with a point, as in "
             "1234567890123456.0";
  }
  return nullptr;
}

}  // namespace

bool refuses_constant(const std::string& name, Kind kind, sqlite3_vtab* base,
                      sqlite3_index_info& info, int index) {
  if (kind != Kind::kU64 && kind != Kind::kDecimal) return false;
  if (std::ranges::count(kComparisons, int{info.aConstraint[index].op}) == 0) return false;
  sqlite3_value* constant = nullptr;
  if (sqlite3_vtab_rhs_value(&info, index, &constant) != SQLITE_OK) return false;
  const char* const advice = advice_on(kind, constant);
  if (advice == nullptr) return false;
  sqlite3_free(base->zErrMsg);
  base->zErrMsg = sqlite3_mprintf(advice, name.c_str());
  return true;
}

}  // namespace gameflow::query
