// What a `run:` block must look like, and what generated code says where it does not. Not for
// operators.
//
// Generated code asks for a concept in a static_assert that says it in words. Between two operators
// only the compiler knows the type: there the names of undefined templates carry both types into
// the message, which src/opbuild/messages.cc makes readable.
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

// What a run: block must look like; generated static_asserts say it in words. Everything fits an
// Unknown.
template <class Function, class In>
concept Takes = std::invocable<Function, const In&>;

template <class Function, class In>
concept TakesWithTime = std::invocable<Function, const In&, i64>;

template <class Function, class... In>
using ResultOf = std::remove_cvref_t<std::invoke_result_t<Function, const In&...>>;

template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool>;

template <class Function, class In>
concept Maps = IsUnknown<In> ||(Takes<Function, In>&& DataflowType<ResultOf<Function, In>>);

template <class Function, class In>
concept Filters = IsUnknown<In> ||
    (Takes<Function, In>&& std::same_as<ResultOf<Function, In>, bool>);

template <class Function, class In>
concept FilterMaps = IsUnknown<In> ||
    (Takes<Function, In>&& DataflowType<typename OptionalItem<ResultOf<Function, In>>::type>);

template <class Function, class In>
concept FlatMaps = IsUnknown<In> ||
    (Takes<Function, In>&& DataflowType<typename ListItem<ResultOf<Function, In>>::type>);

template <class T>
concept Time = Integer<T> || std::same_as<T, sdk_types::Timestamp>;

template <class Function, class In>
concept AssignsTimestamp = IsUnknown<In> ||(Takes<Function, In>&& Time<ResultOf<Function, In>>) ||
                           (TakesWithTime<Function, In> && Time<ResultOf<Function, In, i64>>);

// Whether every value of From is a value of To.
template <class From, class To>
concept FitsInteger = Integer<From> && Integer<To> &&
    (std::signed_integral<From> == std::signed_integral<To>
         ? sizeof(From) <= sizeof(To)
         : std::signed_integral<To> && sizeof(From) < sizeof(To));

template <class From, class Key>
concept FitsKey = (std::same_as<Key, Text> && std::convertible_to<From, Text>) ||
                  (std::same_as<Key, bool> && std::same_as<From, bool>) || FitsInteger<From, Key>;

template <class Function, class In, class Key>
concept AssignsKey = IsUnknown<In> ||(Takes<Function, In>&& FitsKey<ResultOf<Function, In>, Key>);

template <class Function, class In>
concept UpdatesState = IsUnknown<In> ||
    (Takes<Function, In>&& std::is_void_v<std::invoke_result_t<Function, const In&>>);

// Output: the type of the sinks; Unknown where they take any.
template <class Function, class Output>
concept Flushes = std::invocable<Function> &&
    (IsUnknown<Output> ? DataflowType<ResultOf<Function>>
                       : std::convertible_to<std::invoke_result_t<Function>, Output>);

// The type that a transform gives; Unknown where it does not fit.
template <class Function, class In>
struct MapResult {
  using type = Unknown;
};
template <class Function, class In>
requires(Maps<Function, In> && !IsUnknown<In>) struct MapResult<Function, In> {
  using type = ResultOf<Function, In>;
};

template <class Function, class In>
struct FilterMapResult {
  using type = Unknown;
};
template <class Function, class In>
requires(FilterMaps<Function, In> && !IsUnknown<In>) struct FilterMapResult<Function, In> {
  using type = typename OptionalItem<ResultOf<Function, In>>::type;
};

template <class Function, class In>
struct FlatMapResult {
  using type = Unknown;
};
template <class Function, class In>
requires(FlatMaps<Function, In> && !IsUnknown<In>) struct FlatMapResult<Function, In> {
  using type = typename ListItem<ResultOf<Function, In>>::type;
};

// Output, or where that is Unknown what the function gives.
template <class Function, class Output>
struct FlushResult {
  using type = Output;
};
template <class Function>
requires Flushes<Function, Unknown>
struct FlushResult<Function, Unknown> {
  using type = ResultOf<Function>;
};

// Undefined: their names are the message.
template <class Comes, class Taken>
struct NotTakenByFunction;
template <class Comes, class Taken>
struct NotTakenByTopic;
template <class Gives, class Others>
struct NotAsOtherSources;

template <class... T>
struct Types {};

// The first of the types that the function can be called with; void if there is none.
template <class Function, class... T>
struct FirstTaken {
  using type = void;
};
template <class Function, class First, class... Rest>
struct FirstTaken<Function, Types<First, Rest...>> : FirstTaken<Function, Types<Rest...>> {};
template <class Function, class First, class... Rest>
requires(Takes<Function, First> ||
         TakesWithTime<Function, First>) struct FirstTaken<Function, Types<First, Rest...>> {
  using type = First;
};

template <bool IsFine, class Message>
struct Check {
  using type = Message;
};
template <class Message>
struct Check<true, Message> {
  using type = char;
};

// For sizeof: compiles where the function takes what comes; all are the types of the dataflow.
template <class Function, class Comes, class All>
using CheckTaken =
    typename Check<IsUnknown<Comes> || Takes<Function, Comes> || TakesWithTime<Function, Comes>,
                   NotTakenByFunction<Comes, typename FirstTaken<Function, All>::type>>::type;
// Where what comes is the type of the sink's topic.
template <class Comes, class OfTopic>
using CheckWritten = typename Check<IsUnknown<Comes> || std::same_as<Comes, OfTopic>,
                                    NotTakenByTopic<Comes, OfTopic>>::type;
// Where a source gives what the first one gives.
template <class Gives, class Others>
using CheckMerged =
    typename Check<IsUnknown<Gives> || IsUnknown<Others> || std::same_as<Gives, Others>,
                   NotAsOtherSources<Gives, Others>>::type;

}  // namespace gameflow::detail
