// What a function of a `run:` block takes and gives. Not for operators.
#pragma once

#include <concepts>

#include <gameflow/type_ref.h>

namespace gameflow::detail {

template <class T>
struct OptionalItem;
template <class T>
struct OptionalItem<Optional<T>> {
  using type = T;
};

// Stands for the type that a function with a mistake gives, so that only the mistake is told.
struct Unknown {};
template <class T>
concept IsUnknown = std::same_as<T, Unknown>;

using RecordKey = Optional<Text>;

template <class Function, class In>
concept TakesValue = std::invocable<Function, const In&>;
// The record's key comes first.
template <class Function, class In>
concept TakesKey = std::invocable<Function, const RecordKey&, const In&>;
template <class Function, class In>
concept Takes = TakesValue<Function, In> || TakesKey<Function, In>;

template <class Function, class In>
concept TakesWithTime = std::invocable<Function, const In&, i64>;
template <class Function, class In>
concept TakesKeyWithTime = std::invocable<Function, const RecordKey&, const In&, i64>;

template <class Function, class In>
struct Result {
  using type = std::invoke_result_t<Function, const Optional<Text>&, const In&>;
};
template <class Function, class In>
requires TakesValue<Function, In>
struct Result<Function, In> {
  using type = std::invoke_result_t<Function, const In&>;
};
template <class Function, class In>
struct ResultWithTime {
  using type = std::invoke_result_t<Function, const Optional<Text>&, const In&, i64>;
};
template <class Function, class In>
requires TakesWithTime<Function, In>
struct ResultWithTime<Function, In> {
  using type = std::invoke_result_t<Function, const In&, i64>;
};
template <class Function, class In>
using ResultOf = std::remove_cvref_t<typename Result<Function, In>::type>;

// A value without the key that may go with it.
template <class T>
struct Unkeyed {
  using type = T;
};
template <class T>
struct Unkeyed<KeyValue<T>> {
  using type = T;
};
template <class T>
using UnkeyedOf = typename Unkeyed<T>::type;
template <class T>
concept MayLeave = DataflowType<UnkeyedOf<T>>;

// What a function says that may have nothing to say, without Optional and key.
template <class Made>
struct Said {
  using type = UnkeyedOf<Made>;
};
template <class Made>
struct Said<Optional<Made>> {
  using type = UnkeyedOf<Made>;
};
template <class Made>
using SaidBy = typename Said<Made>::type;
template <class T>
concept IsOptional = requires(const T& value) {
  value.has_value();
  *value;
};

template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool>;
// An integer, or what stands for one.
template <class T>
concept Time = Integer<std::remove_cvref_t<T>> ||
    (std::is_class_v<std::remove_cvref_t<T>>&& std::convertible_to<T, i64>);

}  // namespace gameflow::detail
