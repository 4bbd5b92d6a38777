#include "query/result_fields.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sqlite3.h>

#include <gameflow/types.h>

#include "query/decimal_value.h"
#include "query/exact_literals.h"
#include "query/large_u64.h"
#include "query/sketch_functions.h"
#include "record/padded.h"
#include "record/slot.h"
#include "record/visit.h"

namespace gameflow::query {
namespace {

using record::Field;
using record::Kind;

std::vector<std::string_view> column_names(sqlite3_stmt* statement) {
  std::vector<std::string_view> names;
  const int count = sqlite3_column_count(statement);
  names.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    names.emplace_back(sqlite3_column_name(statement, i));
  }
  return names;
}

std::string field_names(const record::Type& item) {
  std::vector<std::string_view> names;
  for (const Field& field : item.fields) names.emplace_back(field.cpp_name);
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string type_name(const record::Type& item) {
  return item.name.empty() ? "the result type" : item.name;
}

// A column that is a plain table column has a declared type: some mistakes show before any row.
bool can_fit(const char* declared, Kind kind) {
  if (declared == nullptr) return true;  // an expression: each value will tell
  const std::string_view type = declared;
  if (is_sketch_type(type)) return false;
  const bool is_text = type == "TEXT";
  if (kind == Kind::kBytes) return is_text || type == "BLOB";
  if (kind == Kind::kTimestamp) return is_text || type == "INTEGER" || type == kU64Type;
  if (kind == Kind::kDecimal) return type != "BLOB";
  if (kind == Kind::kString || kind > Kind::kTimestamp) return is_text;
  return type == "INTEGER" || type == kU64Type || type == "REAL" || type.starts_with("DECIMAL");
}

// As a blob: asked for text, SQLite would first make a copy with a zero at the end.
std::string_view text_of(sqlite3_value* from) {
  const void* const text = sqlite3_value_blob(from);
  return {static_cast<const char*>(text), static_cast<std::size_t>(sqlite3_value_bytes(from))};
}

template <class T>
bool put(char* to, T value) {
  std::memcpy(to, &value, sizeof value);
  return true;
}

template <class Integer>
bool store_integer(sqlite3_value* from, char* to) {
  switch (sqlite3_value_type(from)) {
    case SQLITE_INTEGER: {
      const std::int64_t value = sqlite3_value_int64(from);
      return std::in_range<Integer>(value) && put(to, static_cast<Integer>(value));
    }
    case SQLITE_FLOAT: {
      // Bounds that a double holds exactly: [-2^(n-1), 2^(n-1)) or [0, 2^n).
      constexpr int kBits = std::numeric_limits<Integer>::digits;
      const double value = sqlite3_value_double(from);
      const double end = std::ldexp(1.0, kBits);
      const double begin = std::is_signed_v<Integer> ? -end : 0.0;
      return std::trunc(value) == value && value >= begin && value < end &&
             put(to, static_cast<Integer>(value));
    }
    case SQLITE_TEXT:
      if constexpr (std::is_same_v<Integer, u64>) {
        const std::string_view text = without_padding(text_of(from));
        const char* const end = text.data() + text.size();
        u64 value = 0;
        const auto parsed = std::from_chars(text.data(), end, value);
        return parsed.ec == std::errc{} && parsed.ptr == end && put(to, value);
      }
      return false;
    default:
      return false;
  }
}

template <class Float>
bool store_float(sqlite3_value* from, char* to) {
  const int type = sqlite3_value_type(from);
  if (type != SQLITE_INTEGER && type != SQLITE_FLOAT) return false;
  const double value = sqlite3_value_double(from);
  if (std::isfinite(value) && std::abs(value) > std::numeric_limits<Float>::max()) return false;
  return put(to, static_cast<Float>(value));
}

bool store_bool(sqlite3_value* from, char* to) {
  if (sqlite3_value_type(from) != SQLITE_INTEGER) return false;
  const std::int64_t value = sqlite3_value_int64(from);
  return (value == 0 || value == 1) && put(to, value == 1);
}

bool store_text(sqlite3_value* from, bool is_expression, Arena& arena, char* to) {
  if (sqlite3_value_type(from) != SQLITE_TEXT) return false;
  std::string_view text = text_of(from);
  if (is_expression) text = without_padding(text);
  return put(to, Text::view({arena.copy(text.data(), text.size()), text.size()}));
}

bool store_bytes(sqlite3_value* from, Arena& arena, char* to) {
  const int type = sqlite3_value_type(from);
  if (type != SQLITE_TEXT && type != SQLITE_BLOB) return false;
  const auto* data = static_cast<const char*>(sqlite3_value_blob(from));
  const auto size = static_cast<std::size_t>(sqlite3_value_bytes(from));
  return put(to, Bytes{reinterpret_cast<const u8*>(arena.copy(data, size)), size});
}

bool store_word(sqlite3_value* from, const record::Type& type, char* to) {
  return record::store_word(type, text_of(from), to) == record::Fit::kFits;
}

bool store_time(sqlite3_value* from, const record::Type& type, char* to) {
  return sqlite3_value_type(from) == SQLITE_TEXT ? store_word(from, type, to)
                                                 : store_integer<i64>(from, to);
}

bool store_decimal(sqlite3_value* from, const record::Type& type, const LongDecimals& decimals,
                   char* to) {
  std::optional<std::int64_t> units;
  switch (sqlite3_value_type(from)) {
    case SQLITE_INTEGER:
      std::int64_t product;
      if (!__builtin_mul_overflow(sqlite3_value_int64(from), detail::power_of_ten(type.scale),
                                  &product))
        units = product;
      break;
    case SQLITE_FLOAT:
      if (const auto* const decimal = decimals.find(sqlite3_value_double(from))) {
        const std::string digits = decimal->with_scale(type.scale).text();
        return record::store_word(type, digits, to) == record::Fit::kFits;
      }
      units = near_units(sqlite3_value_double(from), type.scale);
      break;
    case SQLITE_TEXT:
      return store_word(from, type, to);
    default:
      break;
  }
  return units && put(to, *units);
}

// By the name that SQL has for it.
bool store_enum(sqlite3_value* from, const record::Type& type, char* to) {
  if (sqlite3_value_type(from) != SQLITE_TEXT) return false;
  const record::Variant* const variant = type.find_variant(text_of(from));
  return variant != nullptr && put(to, static_cast<u16>(variant - type.variants.data()));
}

// From JSON, which the arena keeps, as texts point into it.
bool store_json(sqlite3_value* from, const record::Type& type, Arena& arena,
                record::Decoder& decoder, char* to) {
  if (sqlite3_value_type(from) != SQLITE_TEXT) return false;
  const std::string_view text = text_of(from);
  return decoder.decode(type, record::copy_padded(arena, text), arena, to);
}

bool store_value(sqlite3_value* from, const Target& target, const LongDecimals& decimals,
                 Arena& arena, record::Decoder& decoder, char* out) {
  char* to = out + target.offset;
  const record::Type& type = *target.type;
  return record::visit(type.kind, [&]<class T>(std::type_identity<T>) {
    if constexpr (std::same_as<T, bool>) return store_bool(from, to);
    if constexpr (record::IntegerSlot<T>) return store_integer<T>(from, to);
    if constexpr (std::floating_point<T>) return store_float<T>(from, to);
    if constexpr (std::same_as<T, Text>) return store_text(from, target.is_expression, arena, to);
    if constexpr (std::same_as<T, Bytes>) return store_bytes(from, arena, to);
    if constexpr (std::same_as<T, record::TimestampSlot>) return store_time(from, type, to);
    if constexpr (std::same_as<T, record::DecimalSlot>)
      return store_decimal(from, type, decimals, to);
    if constexpr (std::same_as<T, record::EnumSlot>) return store_enum(from, type, to);
    return store_json(from, type, arena, decoder, to);
  });
}

Status check_required(const std::vector<std::string_view>& columns,
                      const std::vector<const Field*>& filled, const record::Type& item) {
  for (const Field& field : item.fields) {
    if (!field.is_required() || std::ranges::count(filled, &field) != 0) continue;
    return fail(ErrorCode::kSqlInvalid,
                fmt::format("no column for the required field '{}' of {}; the columns are: {}",
                            field.cpp_name, type_name(item),
                            as_written(fmt::format("{}", fmt::join(columns, ", ")))));
  }
  return {};
}

}  // namespace

Result<std::vector<Target>> map_columns(sqlite3_stmt* statement, const record::Type& item) {
  if (item.kind != Kind::kObject) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("sql() fills lists of objects, not of {}", to_string(item.kind)));
  }
  const std::vector<std::string_view> columns = column_names(statement);
  std::vector<Target> targets;
  std::vector<const Field*> filled;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const Field* field = item.find(columns[i]);
    const char* const declared = sqlite3_column_decltype(statement, static_cast<int>(i));
    std::string mistake;
    if (field == nullptr && columns[i].starts_with('_')) {  // of `select *`: ours
      targets.push_back({});
      continue;
    }
    if (field == nullptr) {
      mistake = fmt::format("is not a field of {}; its fields are: {}", type_name(item),
                            field_names(item));
    } else if (std::ranges::count(filled, field) != 0) {
      mistake = "is there twice";
    } else if (!can_fit(declared, field->type->kind)) {
      mistake = fmt::format("is {} and does not fit the {} field of that name; use {}", declared,
                            to_string(field->type->kind),
                            declared == std::string_view(kDistinctType)    ? "estimate()"
                            : declared == std::string_view(kQuantilesType) ? "quantile()"
                                                                           : "cast()");
    }
    if (!mistake.empty()) {
      return fail(ErrorCode::kSqlInvalid,
                  fmt::format("column '{}' {}", as_written(columns[i]), mistake));
    }
    filled.push_back(field);
    targets.push_back(
        {field->type, field->optional, field->offset, field->flag_offset, declared == nullptr});
  }
  GF_TRY(check_required(columns, filled, item));
  return targets;
}

std::uint32_t store_row(sqlite3_stmt* statement, const std::vector<Target>& targets,
                        const LongDecimals& decimals, Arena& arena, record::Decoder& decoder,
                        char* out) {
  const auto count = static_cast<std::uint32_t>(targets.size());
  for (std::uint32_t i = 0; i < count; ++i) {
    const Target& target = targets[i];
    if (target.type == nullptr) continue;
    // Not for other threads than the statement's; and 15 ns cheaper than to ask the statement for
    // the type, the bytes and their number.
    sqlite3_value* const value = sqlite3_column_value(statement, static_cast<int>(i));
    if (target.optional) {
      if (sqlite3_value_type(value) == SQLITE_NULL) continue;  // absent
      put(out + target.flag_offset, true);
    }
    if (!store_value(value, target, decimals, arena, decoder, out)) return i;
  }
  return count;
}

Error misfit(sqlite3_stmt* statement, std::uint32_t index, const Target& target,
             std::uint64_t row_number) {
  const int column = static_cast<int>(index);
  const int type = sqlite3_column_type(statement, column);
  std::string value;
  if (type == SQLITE_NULL) {
    value = "NULL";
  } else if (type == SQLITE_BLOB) {
    value = "a blob";
  } else {
    value = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
    if (value.size() > 60) value = value.substr(0, 57) + "...";
    if (type == SQLITE_TEXT) value = "text '" + value + "'";
  }
  return {ErrorCode::kSqlInvalid,
          fmt::format("column '{}', row {}: {} does not fit a field of type {}{}",
                      as_written(sqlite3_column_name(statement, column)), row_number, value,
                      to_string(target.type->kind),
                      type == SQLITE_NULL ? " that is required; use coalesce()" : "")};
}

}  // namespace gameflow::query
