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
#include "record/visit.h"

namespace gameflow::query {
namespace {

using record::Kind;
using Source = Column::Source;

constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;

// So many bits of the ranks are looked at in one go.
constexpr int kDigitBits = 8;
constexpr std::size_t kDigits = std::size_t{1} << kDigitBits;

// Calls `use` with the value of a present field: an integer of 64 bits, a double, or the bytes of
// text.
template <class Use>
auto with_value(const Column& column, const char* from, Use use) {
  return record::visit(column.kind, [&]<class T>(std::type_identity<T>) {
    if constexpr (std::same_as<T, record::TimestampSlot>) return use(load<T>(from).ms);
    if constexpr (std::same_as<T, record::DecimalSlot>) return use(load<T>(from).units);
    if constexpr (std::same_as<T, record::EnumSlot>)
      return use(std::string_view(column.type->variants[load<T>(from).number].name));
    if constexpr (std::floating_point<T>) return use(double{load<T>(from)});
    if constexpr (std::unsigned_integral<T> && !std::same_as<T, bool>)
      return use(std::uint64_t{load<T>(from)});
    if constexpr (std::same_as<T, bool> || std::signed_integral<T>)
      return use(std::int64_t{load<T>(from)});
    if constexpr (std::same_as<T, Text>) return use(load<Text>(from).view());
    if constexpr (std::same_as<T, Bytes>) {
      const auto bytes = load<Bytes>(from);
      return use(std::string_view(reinterpret_cast<const char*>(bytes.data), bytes.size));
    }
    // All else has no order of its own.
    return use(std::string_view());
  });
}

bool is_float(Kind kind) {
  return kind == Kind::kF32 || kind == Kind::kF64;
}

bool is_null(const Column& column, const char* row) {
  if (column.optional && !load<bool>(row + column.flag_offset)) return true;
  if (column.kind == Kind::kEnum)
    return load<std::uint16_t>(row + column.offset) >= column.type->variants.size();
  return is_float(column.kind) && with_value(column, row + column.offset, [](auto value) {
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
// The first eight bytes. Of fewer, in words that overlap: a copy of any size is a call.
std::uint64_t rank_of(std::string_view text) {
  const char* const at = text.data();
  const std::size_t size = text.size();
  if (size >= 8) return __builtin_bswap64(load<std::uint64_t>(at));
  if (size >= 4) {
    const std::uint64_t head = __builtin_bswap32(load<std::uint32_t>(at));
    const std::uint64_t tail = __builtin_bswap32(load<std::uint32_t>(at + size - 4));
    return head << 32 | tail << 8 * (8 - size);
  }
  std::uint64_t rank = 0;
  for (std::size_t i = 0; i < size; ++i)
    rank |= std::uint64_t{static_cast<std::uint8_t>(at[i])} << (56 - 8 * i);
  return rank;
}

// Whether equal ranks mean equal values.
bool is_rank_exact(const OrderTerm& term) {
  if (term.column == nullptr) return true;
  const Column& column = *term.column;
  if (column.source == Source::kKey) return false;
  if (column.source != Source::kField) return true;
  if (is_float(column.kind)) return true;  // none has the rank of NULL
  const bool is_number = column.kind == Kind::kBool || record::is_integer(column.kind) ||
                         column.kind == Kind::kTimestamp || column.kind == Kind::kDecimal;
  return !column.optional && is_number;
}

int width_of(std::uint64_t bits) {
  return 64 - std::countl_zero(bits);
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
    case Source::kSessionStart:
      return sign(access.session_start(a.entry), access.session_start(b.entry));
    case Source::kSessionEnd:
      return sign(access.session_end(a.entry), access.session_end(b.entry));
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
  return with_value(column, left + column.offset, [&](auto value) {
    using T = decltype(value);
    return with_value(column, right + column.offset, [&](auto other) {
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
  return column.kind <= Kind::kTimestamp || column.kind == Kind::kDecimal ||
         column.kind == Kind::kEnum;
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
  if (!rows_.empty()) ranges_.push_back({rows_.size(), rank(rows_.begin(), rows_.end(), 0)});
}

void SortedRows::look_at_clock() const {
  if (std::chrono::steady_clock::now() >= deadline_) throw TooLate{};
}

// Bytes that the keys of these rows begin with: many share a prefix ("player_"), and the eight
// bytes behind it decide nearly every comparison without touching the keys.
std::size_t SortedRows::common_key_prefix(Rows::iterator begin, Rows::iterator end) {
  std::string_view common = access_.key(begin->place.entry);
  for (auto row = begin + 1; row != end && !common.empty(); ++row) {
    check_time();
    const std::string_view key = access_.key(row->place.entry);
    if (key.starts_with(common)) continue;
    const auto differ = std::mismatch(common.begin(), common.end(), key.begin(), key.end()).first;
    common = common.substr(0, static_cast<std::size_t>(differ - common.begin()));
  }
  return common.size();
}

// Calls `use` with each row's rank of the term.
template <class Use>
void SortedRows::each_rank(Rows::iterator begin, Rows::iterator end, const OrderTerm& term,
                           Use use) {
  const std::uint64_t flip = term.descending ? ~std::uint64_t{0} : 0;
  const auto each = [&](auto&& rank_of_place) {
    for (auto row = begin; row != end; ++row) {
      check_time();
      use(rank_of_place(row->place) ^ flip);
    }
  };
  if (term.column == nullptr) {
    return each([&](const RowPlace& place) {
      return static_cast<std::uint64_t>(place.segment - table_.segments.data());
    });
  }
  const Column& column = *term.column;
  switch (column.source) {
    case Source::kKey: {
      const std::size_t prefix = common_key_prefix(begin, end);
      return each(
          [&](const RowPlace& place) { return rank_of(access_.key(place.entry).substr(prefix)); });
    }
    case Source::kUpdatedAt:
      return each([&](const RowPlace& place) { return rank_of(place.entry->updated_at.ms); });
    case Source::kSessionStart:
      return each(
          [&](const RowPlace& place) { return rank_of(access_.session_start(place.entry)); });
    case Source::kSessionEnd:
      return each([&](const RowPlace& place) { return rank_of(access_.session_end(place.entry)); });
    case Source::kConstant:
      return each(
          [&](const RowPlace& place) { return rank_of(place.segment->constants[column.offset]); });
    case Source::kField:
      return each([&](const RowPlace& place) {
        const char* data = access_.data(place.entry);
        if (is_null(column, data)) return std::uint64_t{0};
        return with_value(column, data + column.offset, [](auto value) { return rank_of(value); });
      });
  }
}

// Gives the rows, at least one, their ranks of the terms from `term` on: of each term the bits that
// differ, one behind the other, for as long as equal bits mean equal values and there is room. The
// first term that equal ranks do not decide.
std::size_t SortedRows::rank(Rows::iterator begin, Rows::iterator end, std::size_t term) {
  std::vector<std::uint64_t, SqliteAllocator<std::uint64_t>> ranks;
  ranks.reserve(static_cast<std::size_t>(end - begin));
  for (auto row = begin; row != end; ++row) row->rank = 0;
  for (int room = 64; term < terms_.size() && room != 0; ++term) {
    ranks.clear();
    std::uint64_t low = UINT64_MAX, high = 0;
    each_rank(begin, end, terms_[term], [&](std::uint64_t rank) {
      ranks.push_back(rank);
      low = std::min(low, rank);
      high = std::max(high, rank);
    });
    std::uint64_t used = 0;
    for (const std::uint64_t rank : ranks) used |= rank - low;
    if (used == 0 && is_rank_exact(terms_[term])) continue;
    const int width = width_of(high - low);
    // Those of short keys end in zeros.
    const int unused = used == 0 ? 0 : std::countr_zero(used);
    const int dropped = std::max(unused, width - room);
    const int bits = width - dropped;
    for (std::size_t i = 0; i < ranks.size(); ++i) {
      std::uint64_t& rank = begin[static_cast<std::ptrdiff_t>(i)].rank;
      const std::uint64_t more = (ranks[i] - low) >> dropped;
      rank = bits == 64 ? more : rank << bits | more;
    }
    room -= bits;
    if (dropped > unused || !is_rank_exact(terms_[term])) return term;
  }
  return term;
}

bool SortedRows::is_less(const RowPlace& a, const RowPlace& b, std::size_t term) const {
  for (; term < terms_.size(); ++term) {
    const int order = terms_[term].column == nullptr ? sign(a.segment, b.segment)
                                                     : compare(*terms_[term].column, access_, a, b);
    if (order != 0) return (order < 0) != terms_[term].descending;
  }
  return false;
}

// A thousand at least: what lies a little ahead is fetched ahead (guess()).
bool SortedRows::sort_more() {
  if (sorted_ == rows_.size()) return false;
  constexpr std::size_t kRowsAtOnce = 1024;
  const std::size_t wanted = std::min(rows_.size(), sorted_ + kRowsAtOnce);
  while (sorted_ < wanted) {
    if (refine(sorted_)) continue;
    const Range range = ranges_.back();
    ranges_.pop_back();
    std::sort(rows_.begin() + static_cast<std::ptrdiff_t>(sorted_),
              rows_.begin() + static_cast<std::ptrdiff_t>(range.end),
              [&](const OrderedRow& a, const OrderedRow& b) {
                check_time();
                return a.rank != b.rank ? a.rank < b.rank
                                        : is_less(a.place, b.place, range.undecided);
              });
    sorted_ = range.end;
  }
  return true;
}

// Makes smaller ranges of the first one, whose rows begin at `begin`; false if it is best sorted as
// it is.
bool SortedRows::refine(std::size_t begin) {
  constexpr std::size_t kRowsFew = 32;
  const Range range = ranges_.back();
  if (range.end - begin <= kRowsFew) return false;
  const auto first = rows_.begin() + static_cast<std::ptrdiff_t>(begin);
  const auto last = rows_.begin() + static_cast<std::ptrdiff_t>(range.end);
  const auto differing = [&] {
    std::uint64_t bits = 0;
    for (auto row = first; row != last; ++row) bits |= row->rank ^ first->rank;
    return bits;
  };
  std::uint64_t bits = differing();
  if (bits == 0 && range.undecided < terms_.size()) {
    ranges_.back().undecided = rank(first, last, range.undecided);
    bits = differing();
  }
  if (bits == 0) return false;
  split(begin, ranges_.back(), std::max(0, width_of(bits) - kDigitBits));
  return true;
}

// By the digit of the ranks at `shift`, above which all are the same. Each row goes where its digit
// belongs, and the one that was there is the next (American flag sort).
void SortedRows::split(std::size_t begin, Range range, int shift) {
  const auto digit = [&](const OrderedRow& row) {
    return static_cast<std::size_t>(row.rank >> shift) % kDigits;
  };
  std::array<std::size_t, kDigits> next{}, ends{};
  for (std::size_t i = begin; i < range.end; ++i) {
    check_time();
    ++ends[digit(rows_[i])];
  }
  std::size_t at = begin;
  for (std::size_t d = 0; d < kDigits; ++d) {
    next[d] = at;
    ends[d] = at += ends[d];
  }
  for (std::size_t d = 0; d < kDigits; ++d) {
    while (next[d] != ends[d]) {
      check_time();
      OrderedRow row = rows_[next[d]];
      for (std::size_t own = digit(row); own != d; own = digit(row))
        std::swap(row, rows_[next[own]++]);
      rows_[next[d]++] = row;
    }
  }
  ranges_.pop_back();
  for (std::size_t d = kDigits; d-- > 0;) {
    const std::size_t start = d == 0 ? begin : ends[d - 1];
    if (start != ends[d]) ranges_.push_back({ends[d], range.undecided});
  }
}

}  // namespace gameflow::query
