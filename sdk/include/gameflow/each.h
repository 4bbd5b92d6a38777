// `flush: { each: … }` as an abi::EachFn. Not for operators.
#pragma once

#include <gameflow/chain.h>
#include <gameflow/rows.h>

namespace gameflow::detail {

// A state of a window: `Value` takes what a function sees of a row, which is the row, or the value
// of a primitive state.
template <class RowType, auto Value>
struct RowOf {
  using Row = RowType;
  using Seen = std::remove_cvref_t<decltype(Value(std::declval<const RowType&>()))>;
  static const Seen& of(const void* row) { return Value(*static_cast<const RowType*>(row)); }
};

// Stands for a T, and for nothing that a T becomes by itself: 1 as a u32 is no i64.
template <class T>
struct Exactly {
  template <class Other>
  requires std::same_as<Other, T>
  operator Other() const;  // NOLINT: implicit on purpose
};

// Where there are several states, numbers must not be taken for each other.
template <class Function, class State, bool IsOnly>
constexpr bool takes_row() {
  if constexpr (IsOnly || std::is_class_v<typename State::Seen>) {
    return std::invocable<Function, const typename State::Seen&>;
  } else {
    return std::invocable<Function, Exactly<typename State::Seen>>;
  }
}

// The number of the first state whose rows the function takes; that of the states: none.
template <class Function, bool IsOnly>
constexpr u32 first_taken() {
  return 0;
}
template <class Function, bool IsOnly, class First, class... Rest>
constexpr u32 first_taken() {
  if constexpr (takes_row<Function, First, IsOnly>()) {
    return 0;
  } else {
    return 1 + first_taken<Function, IsOnly, Rest...>();
  }
}
template <class Function, class... States>
constexpr u32 taken_state() {
  return first_taken<Function, sizeof...(States) == 1, States...>();
}
template <u32 Number, class First, class... Rest>
struct NthState : NthState<Number - 1, Rest...> {};
template <class First, class... Rest>
struct NthState<0, First, Rest...> {
  using type = First;
};

template <class Function, class Output, class... States>
struct EachResult {
  using type = Unknown;
};
template <class Function, class Output, class... States>
requires(taken_state<Function, States...>() <
         sizeof...(States)) struct EachResult<Function, Output, States...> {
  using Seen = typename NthState<taken_state<Function, States...>(), States...>::type::Seen;
  using Made = SaidBy<std::remove_cvref_t<std::invoke_result_t<Function, const Seen&>>>;
  using type =
      std::conditional_t<IsUnknown<Output>, std::conditional_t<DataflowType<Made>, Made, Unknown>,
                         std::conditional_t<std::convertible_to<Made, Output>, Output, Unknown>>;
};

// Output: the type of the sinks; Unknown where they take any.
template <class Function, class Output, class... States>
concept FlushesEach = !IsUnknown<typename EachResult<Function, Output, States...>::type>;

// An abi::EachFn.
template <class Output, auto Function, class... States>
u32 each(abi::Call* call, const abi::WindowRows* rows, List<abi::Emitted>* out,
         abi::RecordError* errors) {
  constexpr u32 kState = taken_state<decltype(Function), States...>();
  using State = typename NthState<kState, States...>::type;
  const CallScope scope(call);
  static const Optional<Text> no_key;
  const std::size_t before = out->size();
  u32 error_count = 0;
  u64 row_count = 0;
  for (u32 i = 0; i < rows->count; ++i) {
    const void* const row = rows->rows[i * sizeof...(States) + kState];
    if (row == nullptr) continue;
    ++row_count;
    i64 time = rows->time;
    if (rows->spans != nullptr) {
      call->window_start_ms = rows->spans[i].start_ms;
      call->window_end_ms = time = rows->spans[i].end_ms;
    }
    call->row_key = &rows->row_keys[i];
    call->row_time = time;
    const auto next = [&](const auto& value, const Tags& tags) {
      out->push_back({&value, tags.time, tags.key, i, tags.record_key});
    };
    try {
      hand_on_said<Output>(*call->arena, Function(State::of(row)),
                           Tags{time, rows->row_keys[i], &no_key}, next);
    } catch (...) {
      errors[error_count++] = {i, 0, exception_text()};
    }
  }
  add_count(call, {row_count, out->size() - before, error_count});
  return error_count;
}

}  // namespace gameflow::detail
