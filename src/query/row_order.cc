#include "query/row_order.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <compare>
#include <cstring>
#include <span>
#include <string_view>

#include <gameflow/types.h>

#include "query/virtual_table.h"

namespace gameflow::query {
namespace {

using record::Kind;
using Source = Column::Source;

constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;

// Calls `use` with the value of a present field, of its C++ type: text and bytes as string_view.
template <class Use>
auto with_value(Kind kind, const char* from, Use use) {
  switch (kind) {
    case Kind::kBool:
      return use(std::int64_t{load<bool>(from)});
    case Kind::kI8:
      return use(std::int64_t{load<i8>(from)});
    case Kind::kI16:
      return use(std::int64_t{load<i16>(from)});
    case Kind::kI32:
      return use(std::int64_t{load<i32>(from)});
    case Kind::kI64:
      return use(load<i64>(from));
    case Kind::kU8:
      return use(std::uint64_t{load<u8>(from)});
    case Kind::kU16:
      return use(std::uint64_t{load<u16>(from)});
    case Kind::kU32:
      return use(std::uint64_t{load<u32>(from)});
    case Kind::kU64:
      return use(load<u64>(from));
    case Kind::kF32:
      return use(double{load<f32>(from)});
    case Kind::kF64:
      return use(load<f64>(from));
    case Kind::kString:
      return use(load<Text>(from).view());
    default: {
      const auto bytes = load<Bytes>(from);
      return use(std::string_view(reinterpret_cast<const char*>(bytes.data), bytes.size));
    }
  }
}

bool is_float(Kind kind) {
  return kind == Kind::kF32 || kind == Kind::kF64;
}

bool is_null(const Column& column, const char* row) {
  if (column.optional && !load<bool>(row + column.flag_offset)) return true;
  return is_float(column.kind) && with_value(column.kind, row + column.offset, [](auto value) {
           return value != value;  // SQLite has no NaN
         });
}

// Ranks of values are ordered as the values are, or equal.
std::uint64_t rank_of(std::int64_t value) {
  return static_cast<std::uint64_t>(value) ^ kSignBit;
}
std::uint64_t rank_of(std::uint64_t value) {
  return value;
}
std::uint64_t rank_of(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value + 0.0);  // -0.0 is 0.0
  return (bits & kSignBit) != 0 ? ~bits : bits | kSignBit;
}
std::uint64_t rank_of(std::string_view text) {
  std::array<char, 8> head{};
  if (!text.empty()) std::memcpy(head.data(), text.data(), std::min(text.size(), head.size()));
  return __builtin_bswap64(std::bit_cast<std::uint64_t>(head));
}

std::uint64_t rank_of(const Column& column, const Row& row, const Segment& segment) {
  switch (column.source) {
    case Source::kKey:
      return rank_of(row.key);
    case Source::kUpdatedAt:
      return rank_of(row.updated_at.ms);
    case Source::kConstant:
      return rank_of(segment.constants[column.offset]);
    case Source::kField:
      break;
  }
  const auto* data = static_cast<const char*>(row.data);
  if (is_null(column, data)) return 0;
  return with_value(column.kind, data + column.offset, [](auto value) { return rank_of(value); });
}

// Whether equal ranks mean equal values.
bool is_rank_exact(const Column& column) {
  if (column.source == Source::kKey) return false;
  if (column.source != Source::kField) return true;
  return !column.optional && (column.kind == Kind::kBool || record::is_integer(column.kind));
}

template <class T>
int sign(const T& a, const T& b) {
  return a < b ? -1 : (b < a ? 1 : 0);
}

int compare(const Column& column, const OrderedRow& a, const OrderedRow& b) {
  switch (column.source) {
    case Source::kKey:  // the encoding keeps the order
      return sign(a.row->key, b.row->key);
    case Source::kUpdatedAt:
      return sign(a.row->updated_at, b.row->updated_at);
    case Source::kConstant:
      return sign(a.segment->constants[column.offset], b.segment->constants[column.offset]);
    case Source::kField:
      break;
  }
  const auto* left = static_cast<const char*>(a.row->data);
  const auto* right = static_cast<const char*>(b.row->data);
  const bool left_null = is_null(column, left);
  const bool right_null = is_null(column, right);
  if (left_null || right_null) return sign(!left_null, !right_null);
  return with_value(column.kind, left + column.offset, [&](auto value) {
    using T = decltype(value);
    return with_value(column.kind, right + column.offset, [&](auto other) {
      if constexpr (std::is_same_v<T, decltype(other)>) {
        return sign(value, other);
      } else {
        return 0;  // both are of the column's kind
      }
    });
  });
}

// The terms that decide. Keys in order need no comparing: a stable sort keeps them so, and no two
// are equal.
std::span<const OrderTerm> deciding_terms(const Table& table, const std::vector<OrderTerm>& terms) {
  if (!table.in_key_order || table.segments.size() != 1) return terms;
  const auto key = std::ranges::find_if(terms, [](const OrderTerm& term) {
    return term.column->source == Source::kKey && !term.descending;
  });
  return {terms.begin(), key};
}

}  // namespace

bool can_order_by(const Column& column) {
  return column.kind != Kind::kObject && column.kind != Kind::kList;
}

std::vector<OrderedRow> order_rows(const Table& table, const std::vector<OrderTerm>& all_terms) {
  const std::span<const OrderTerm> terms = deciding_terms(table, all_terms);
  std::vector<OrderedRow> rows;
  std::size_t count = 0;
  for (const Segment& segment : table.segments) count += segment.rows.size();
  rows.reserve(count);
  const OrderTerm& first = all_terms.front();
  const std::uint64_t flip = first.descending ? ~std::uint64_t{0} : 0;
  for (const Segment& segment : table.segments) {
    for (const Row& row : segment.rows) {
      rows.push_back({rank_of(*first.column, row, segment) ^ flip, &row, &segment});
    }
  }
  if (terms.empty()) return rows;
  if (terms.size() == 1 && is_rank_exact(*first.column)) {
    std::ranges::stable_sort(rows, {}, &OrderedRow::rank);
    return rows;
  }
  std::ranges::stable_sort(rows, [&](const OrderedRow& a, const OrderedRow& b) {
    if (a.rank != b.rank) return a.rank < b.rank;
    for (const OrderTerm& term : terms) {
      const int order = compare(*term.column, a, b);
      if (order != 0) return (order < 0) != term.descending;
    }
    return false;
  });
  return rows;
}

}  // namespace gameflow::query
