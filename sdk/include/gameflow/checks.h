// What a `run:` block must look like, and what generated code says where it does not. Not for
// operators.
//
// Generated code asks for a concept in a static_assert that says it in words. Between two operators
// only the compiler knows the type: there the names of undefined templates carry both types into
// the message, which src/opbuild/messages.cc makes readable.
#pragma once

#include <gameflow/function_traits.h>

namespace gameflow::detail {

// What a run: block must look like; generated static_asserts say it in words. Everything fits an
// Unknown.
template <class Function, class In>
concept Maps = IsUnknown<In> ||(Takes<Function, In>&& MayLeave<ResultOf<Function, In>>);

template <class Function, class In>
concept Filters = IsUnknown<In> ||
    (Takes<Function, In>&& std::same_as<ResultOf<Function, In>, bool>);

template <class Function, class In>
concept FilterMaps = IsUnknown<In> ||
    (Takes<Function, In>&& MayLeave<typename OptionalItem<ResultOf<Function, In>>::type>);

template <class Function, class In>
concept FlatMaps = IsUnknown<In> ||
    (Takes<Function, In>&& MayLeave<typename ListItem<ResultOf<Function, In>>::type>);

template <class Function, class In>
concept TakesForTime =
    Takes<Function, In> || TakesWithTime<Function, In> || TakesKeyWithTime<Function, In>;
// With the record's time where it takes that: `f(event, time)` is never `f(key, event)`.
template <class Function, class In>
concept TakesTime = TakesWithTime<Function, In> ||
    (!Takes<Function, In> && TakesKeyWithTime<Function, In>);
template <class Function, class In>
concept AssignsTimestamp =
    IsUnknown<In> ||(TakesTime<Function, In>&& Time<typename ResultWithTime<Function, In>::type>) ||
    (!TakesTime<Function, In> && Takes<Function, In> && Time<typename Result<Function, In>::type>);

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
    (Takes<Function, In>&& std::is_void_v<typename Result<Function, In>::type>);

template <class Function, class Row>
concept Expires = std::invocable<Function, const Row&> && MayLeave<
    typename OptionalItem<std::remove_cvref_t<std::invoke_result_t<Function, const Row&>>>::type>;

template <class Function>
using FlushedOf = std::remove_cvref_t<std::invoke_result_t<Function>>;
// Output: the type of the sinks; Unknown where they take any. Optional: there may be no result.
template <class Function>
concept FlushesAny = DataflowType<FlushedOf<Function>> ||
    DataflowType<typename OptionalItem<FlushedOf<Function>>::type>;
template <class Function, class Output>
concept FlushesAs = std::convertible_to<std::invoke_result_t<Function>, Output> ||
    std::convertible_to<std::invoke_result_t<Function>, Optional<Output>>;
template <class Function, class Output>
concept Flushes = std::invocable<Function> &&((IsUnknown<Output> && FlushesAny<Function>) ||
                                              (!IsUnknown<Output> && FlushesAs<Function, Output>));

// The type that a transform gives; Unknown where it does not fit.
template <class Function, class In>
struct MapResult {
  using type = Unknown;
};
template <class Function, class In>
requires(Maps<Function, In> && !IsUnknown<In>) struct MapResult<Function, In> {
  using type = UnkeyedOf<ResultOf<Function, In>>;
};

template <class Function, class In>
struct FilterMapResult {
  using type = Unknown;
};
template <class Function, class In>
requires(FilterMaps<Function, In> && !IsUnknown<In>) struct FilterMapResult<Function, In> {
  using type = UnkeyedOf<typename OptionalItem<ResultOf<Function, In>>::type>;
};

template <class Function, class In>
struct FlatMapResult {
  using type = Unknown;
};
template <class Function, class In>
requires(FlatMaps<Function, In> && !IsUnknown<In>) struct FlatMapResult<Function, In> {
  using type = UnkeyedOf<typename ListItem<ResultOf<Function, In>>::type>;
};

// Output, or where that is Unknown what the function gives.
template <class Function, class Output>
struct FlushResult {
  using type = Output;
};
template <class Function>
requires(Flushes<Function, Unknown>&&
             DataflowType<FlushedOf<Function>>) struct FlushResult<Function, Unknown> {
  using type = FlushedOf<Function>;
};
template <class Function>
requires(Flushes<Function, Unknown> &&
         !DataflowType<FlushedOf<Function>>) struct FlushResult<Function, Unknown> {
  using type = typename OptionalItem<FlushedOf<Function>>::type;
};

// Of on-expire.
template <class Function, class Row>
struct ExpireResult {
  using type = Unknown;
};
template <class Function, class Row>
requires Expires<Function, Row>
struct ExpireResult<Function, Row> {
  using type = UnkeyedOf<
      typename OptionalItem<std::remove_cvref_t<std::invoke_result_t<Function, const Row&>>>::type>;
};

// Undefined: their names are the message.
template <class Comes, class Taken>
struct NotTakenByFunction;
template <class Comes, class Taken>
struct NotTakenByTopic;
template <class Gives, class Others>
struct NotAsOtherSources;
template <class Gives, class Others>
struct NotAsTransforms;

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
requires TakesForTime<Function, First>
struct FirstTaken<Function, Types<First, Rest...>> {
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
    typename Check<IsUnknown<Comes> || TakesForTime<Function, Comes>,
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

// Where on-expire gives what else goes to the sinks.
template <class Gives, class Others>
using CheckExpired =
    typename Check<IsUnknown<Gives> || IsUnknown<Others> || std::same_as<Gives, Others>,
                   NotAsTransforms<Gives, Others>>::type;

}  // namespace gameflow::detail
