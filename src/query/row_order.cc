#include "query/row_order.h"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <utility>

#include <gameflow/types.h>

#include "query/virtual_table.h"
#include "record/type.h"

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

// Whether equal ranks mean equal values.
bool is_rank_exact(const OrderTerm& term) {
  if (term.column == nullptr) return true;
  const Column& column = *term.column;
  if (column.source == Source::kKey) return false;
  if (column.source != Source::kField) return true;
  return !column.optional && (column.kind == Kind::kBool || record::is_integer(column.kind));
}

template <class T>
int sign(const T& a, const T& b) {
  return a < b ? -1 : (b < a ? 1 : 0);
}

int compare(const Column& column, const RowAccess& access, const RowPlace& a, const RowPlace& b) {
  switch (column.source) {
    case Source::kKey:  // the encoding keeps the order
      return sign(access.key(a.entry), access.key(b.entry));
    case Source::kUpdatedAt:
      return sign(a.entry->updated_at, b.entry->updated_at);
    case Source::kConstant:
      return sign(a.segment->constants[column.offset], b.segment->constants[column.offset]);
    case Source::kField:
      break;
  }
  const char* left = access.data(a.entry);
  const char* right = access.data(b.entry);
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

}  // namespace

bool can_order_by(const Column& column) {
  return column.kind != Kind::kObject && column.kind != Kind::kList;
}

SortedRows::SortedRows(const Table& table, std::vector<OrderTerm> terms, Deadline deadline)
    : table_(table), access_(table), terms_(std::move(terms)), deadline_(deadline) {
  rows_.reserve(table.rows());
  Scan scan(table);
  RowPlace place{};
  while (scan.next(place)) {
    check_time();
    rows_.push_back({0, place});
  }
  rank(rows_.begin(), rows_.end(), terms_.front());
}

void SortedRows::look_at_clock() const {
  if (std::chrono::steady_clock::now() >= deadline_) throw TooLate{};
}

// Bytes that the keys of these rows begin with: many share a prefix ("player_"), and the eight
// bytes behind it decide nearly every comparison without touching the keys.
std::size_t SortedRows::common_key_prefix(Rows::iterator begin, Rows::iterator end) {
  if (begin == end) return 0;
  std::string_view common = access_.key(begin->place.entry);
  for (auto row = begin + 1; row != end && !common.empty(); ++row) {
    check_time();
    const std::string_view key = access_.key(row->place.entry);
    const auto differ = std::mismatch(common.begin(), common.end(), key.begin(), key.end()).first;
    common = common.substr(0, static_cast<std::size_t>(differ - common.begin()));
  }
  return common.size();
}

// Gives the rows their ranks of the term.
void SortedRows::rank(Rows::iterator begin, Rows::iterator end, const OrderTerm& term) {
  const std::uint64_t flip = term.descending ? ~std::uint64_t{0} : 0;
  const auto give = [&](auto&& rank_of_place) {
    for (auto row = begin; row != end; ++row) {
      check_time();
      row->rank = rank_of_place(row->place) ^ flip;
    }
  };
  if (term.column == nullptr) {
    return give([&](const RowPlace& place) {
      return static_cast<std::uint64_t>(place.segment - table_.segments.data());
    });
  }
  const Column& column = *term.column;
  switch (column.source) {
    case Source::kKey: {
      const std::size_t prefix = common_key_prefix(begin, end);
      return give(
          [&](const RowPlace& place) { return rank_of(access_.key(place.entry).substr(prefix)); });
    }
    case Source::kUpdatedAt:
      return give([&](const RowPlace& place) { return rank_of(place.entry->updated_at.ms); });
    case Source::kConstant:
      return give(
          [&](const RowPlace& place) { return rank_of(place.segment->constants[column.offset]); });
    case Source::kField:
      return give([&](const RowPlace& place) {
        const char* data = access_.data(place.entry);
        if (is_null(column, data)) return std::uint64_t{0};
        return with_value(column.kind, data + column.offset,
                          [](auto value) { return rank_of(value); });
      });
  }
}

bool SortedRows::is_less(const RowPlace& a, const RowPlace& b, std::size_t term) const {
  for (; term < terms_.size(); ++term) {
    const int order = terms_[term].column == nullptr ? sign(a.segment, b.segment)
                                                     : compare(*terms_[term].column, access_, a, b);
    if (order != 0) return (order < 0) != terms_[term].descending;
  }
  return false;
}

// By the terms from `term` on, of which the rows have their ranks.
auto SortedRows::less(std::size_t term) {
  const std::size_t undecided = term + (is_rank_exact(terms_[term]) ? 1 : 0);
  return [this, undecided](const OrderedRow& a, const OrderedRow& b) {
    check_time();
    return a.rank != b.rank ? a.rank < b.rank : is_less(a.place, b.place, undecided);
  };
}

// In steps, each much longer than the one before: whoever reads all rows pays for one or two
// partitions more than a sort takes.
bool SortedRows::sort_more() {
  if (sorted_ == rows_.size()) return false;
  constexpr std::size_t kFirst = 1024, kFactor = 32;
  const auto begin = rows_.begin() + static_cast<std::ptrdiff_t>(sorted_);
  std::size_t wanted = std::max(kFirst, sorted_ * kFactor);
  if (wanted > rows_.size() / 2) wanted = rows_.size();
  const auto end = rows_.begin() + static_cast<std::ptrdiff_t>(wanted);
  if (end != rows_.end()) std::nth_element(begin, end, rows_.end(), less(0));
  sort(begin, end, 0);
  sorted_ = wanted;
  return true;
}

// Counts are equal more often than not, and keys far away in memory: rows that one term leaves
// undecided get their ranks of the next, so that comparing two looks at nothing else.
void SortedRows::sort(Rows::iterator begin, Rows::iterator end, std::size_t term) {
  if (!is_rank_exact(terms_[term])) return std::sort(begin, end, less(term));
  std::sort(begin, end, [this](const OrderedRow& a, const OrderedRow& b) {
    check_time();
    return a.rank < b.rank;
  });
  if (term + 1 == terms_.size()) return;
  while (begin != end) {
    const std::uint64_t rank = begin->rank;
    auto run_end = begin + 1;
    while (run_end != end && run_end->rank == rank) ++run_end;
    if (run_end - begin > 1) {
      this->rank(begin, run_end, terms_[term + 1]);
      sort(begin, run_end, term + 1);
    }
    begin = run_end;
  }
}

}  // namespace gameflow::query
