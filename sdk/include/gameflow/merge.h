// Two rows of one key become one, column by column, as abi::MergeFn says. Not for operators.
//
// Errors   a sum that does not fit its column takes back what the pair has done, and becomes its
//          RecordError.
#pragma once

#include <gameflow/chain.h>
#include <gameflow/decimal.h>
#include <gameflow/rows.h>
#include <gameflow/sketch.h>

namespace gameflow::detail {

// What `merge` of a column says.
enum class Merge : u32 { kSum, kMin, kMax, kFirst, kLast, kAny };

template <class T>
T sum_of(const T& a, const T& b) {
  if constexpr (std::is_integral_v<T>) {
    T sum{};
    if (__builtin_add_overflow(a, b, &sum))
      throw std::overflow_error("a sum does not fit into its column");
    return sum;
  } else {
    return static_cast<T>(a + b);
  }
}

template <Merge Way, class T>
void merge_value(T& into, const T& from, u32 order) {
  if constexpr (Way == Merge::kSum) {
    into = sum_of(into, from);
  } else if constexpr (Way == Merge::kMin) {
    if (from < into) into = from;
  } else if constexpr (Way == Merge::kMax) {
    if (into < from) into = from;
  } else if constexpr (Way == Merge::kAny && std::is_same_v<T, bool>) {
    into = into || from;
  } else if constexpr (Way == Merge::kLast) {
    if ((order & abi::kFromLast) != 0) into = from;
  } else {
    if ((order & abi::kFromFirst) != 0) into = from;
  }
}
// Null is "nothing there".
template <Merge Way, class T>
void merge_value(Optional<T>& into, const Optional<T>& from, u32 order) {
  if (!from) return;
  T merged = *from;
  if (into) {
    merged = *into;
    merge_value<Way>(merged, *from, order);
  }
  into = merged;
}

// A column of a row, and how it is merged.
template <auto Member, Merge Way>
struct MergedColumn {
  template <class Row>
  static void apply(Row& into, const Row& from, u32 order) {
    if constexpr (!is_sketch<Row>) merge_value<Way>(into.*Member, from.*Member, order);
  }
  // Behind all others, as it changes in place what cannot be put back.
  template <class Row>
  static void apply_sketch(abi::Call* call, Row& into, const Row& from) {
    if constexpr (is_sketch<Row>)
      SketchAccess::merge_in_place(into.*Member, from.*Member, *call->arena);
  }

 private:
  template <class Row>
  static constexpr bool is_sketch = requires(Row& row) {
    (row.*Member).merge(row.*Member);
  };
};

// An abi::MergeFn.
template <class Row, class... Columns>
u32 merge(abi::Call* call, void* const* into, const void* const* from, const u32* order, u32 count,
          abi::RecordError* errors) {
  const CallScope scope(call);
  u32 error_count = 0;
  for (u32 i = 0; i < count; ++i) {
    Row& row = *static_cast<Row*>(into[i]);
    const Row& other = *static_cast<const Row*>(from[i]);
    alignas(Row) char before[sizeof(Row)];
    std::memcpy(before, static_cast<const void*>(&row), sizeof before);
    try {
      (Columns::apply(row, other, order[i]), ...);
      (Columns::apply_sketch(call, row, other), ...);
    } catch (...) {
      std::memcpy(static_cast<void*>(&row), before, sizeof before);
      errors[error_count++] = {i, 0, exception_text()};
    }
  }
  return error_count;
}

}  // namespace gameflow::detail
