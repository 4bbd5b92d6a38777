// The steps of a chain, around the functions of `run:` blocks. Not for operators.
//
// A value passes by reference: nothing is copied, and what a map makes is made in the call's arena.
#pragma once

#include <gameflow/checks.h>

namespace gameflow::detail {

// What is said about a record goes with it through the steps.
struct Tags {
  i64 time;
  Text key;                          // of the rows
  const Optional<Text>* record_key;  // as in abi::Emitted

  Optional<Text> key_of_record() const {
    return record_key == nullptr ? Optional<Text>() : *record_key;
  }
};

// The key of the rows, as its own type.
template <class Key>
Key current_row_key() {
  const Text* const row_key = current_call == nullptr ? nullptr : current_call->row_key;
  if (row_key == nullptr) throw std::logic_error("key() can be used behind assign-key only");
  if constexpr (std::same_as<Key, Text>) {
    return *row_key;
  } else if constexpr (std::same_as<Key, bool>) {
    return (*row_key)[0] != 0;
  } else if constexpr (std::signed_integral<Key>) {
    return static_cast<Key>(decode_signed_key(*row_key));
  } else {
    return static_cast<Key>(decode_unsigned_key(*row_key));
  }
}

// The function's result for a value, with its record's key where it asks for it.
template <auto Function, class In>
[[gnu::always_inline]] inline decltype(auto) call(const In& value, const Tags& tags) {
  if constexpr (TakesValue<decltype(Function), In>) {
    return Function(value);
  } else {
    return Function(tags.key_of_record(), value);
  }
}

// What a function gave goes on, with the key that it may have given.
template <class Out, class Made, class Next>
[[gnu::always_inline]] inline void hand_on(Arena& arena, const Made& made, Tags tags, Next next) {
  if constexpr (std::same_as<Made, KeyValue<Out>>) {
    using Key = Optional<Text>;
    tags.record_key = new (arena.allocate(sizeof(Key), alignof(Key))) Key(made.key);
    next(*new (arena.allocate(sizeof(Out), alignof(Out))) Out(made.value), tags);
  } else {
    next(*new (arena.allocate(sizeof(Out), alignof(Out))) Out(made), tags);
  }
}

// The same of a function that may have nothing to say.
template <class Out, class Made, class Next>
[[gnu::always_inline]] inline void hand_on_said(Arena& arena, const Made& made, Tags tags,
                                                Next next) {
  if constexpr (IsOptional<Made>) {
    if (made) hand_on<Out>(arena, *made, tags, next);
  } else {
    hand_on<Out>(arena, made, tags, next);
  }
}

// Whether the function asks for the key of the record.
template <auto Function>
struct ReadsKey {
  template <class In>
  static constexpr bool kReadsKey = !TakesValue<decltype(Function), In>;
};

// The steps of a chain. `pass` hands a value to `next`, or does not; kIsOneToOne: it hands on one
// for each.
template <auto Function>
struct Map : ReadsKey<Function> {
  static constexpr bool kIsOneToOne = true;
  template <class In>
  using Output = typename MapResult<decltype(Function), In>::type;

  template <class In, class Next>
  [[gnu::always_inline]] static void pass(Arena& arena, const In& value, Tags tags, Next next) {
    using Out = Output<In>;
    if constexpr (std::same_as<ResultOf<decltype(Function), In>, Out>) {
      next(*new (arena.allocate(sizeof(Out), alignof(Out))) Out(call<Function>(value, tags)), tags);
    } else {
      hand_on<Out>(arena, call<Function>(value, tags), tags, next);
    }
  }
};

template <auto Function>
struct Filter : ReadsKey<Function> {
  static constexpr bool kIsOneToOne = false;
  template <class In>
  using Output = In;

  template <class In, class Next>
  [[gnu::always_inline]] static void pass(Arena&, const In& value, Tags tags, Next next) {
    if (call<Function>(value, tags)) next(value, tags);
  }
};

template <auto Function>
struct FilterMap : ReadsKey<Function> {
  static constexpr bool kIsOneToOne = false;
  template <class In>
  using Output = typename FilterMapResult<decltype(Function), In>::type;

  template <class In, class Next>
  [[gnu::always_inline]] static void pass(Arena& arena, const In& value, Tags tags, Next next) {
    const ResultOf<decltype(Function), In> made = call<Function>(value, tags);
    if (made) hand_on<Output<In>>(arena, *made, tags, next);
  }
};

template <auto Function>
struct FlatMap : ReadsKey<Function> {
  static constexpr bool kIsOneToOne = false;
  template <class In>
  using Output = typename FlatMapResult<decltype(Function), In>::type;

  template <class In, class Next>
  [[gnu::always_inline]] static void pass(Arena& arena, const In& value, Tags tags, Next next) {
    using Out = Output<In>;
    const ResultOf<decltype(Function), In> items = call<Function>(value, tags);
    for (const auto& item : items) {
      if constexpr (std::same_as<std::remove_cvref_t<decltype(item)>, Out>) {
        next(item, tags);
      } else {
        hand_on<Out>(arena, item, tags, next);
      }
    }
  }
};

template <auto Function>
struct AssignTimestamp {
  static constexpr bool kIsOneToOne = true;
  template <class In>
  using Output = In;
  template <class In>
  static constexpr bool kReadsKey =
      !TakesValue<decltype(Function), In> && !TakesWithTime<decltype(Function), In>;

  template <class In, class Next>
  [[gnu::always_inline]] static void pass(Arena&, const In& value, Tags tags, Next next) {
    if constexpr (TakesWithTime<decltype(Function), In>) {
      tags.time = static_cast<i64>(Function(value, tags.time));
    } else if constexpr (TakesTime<decltype(Function), In>) {
      tags.time = static_cast<i64>(Function(tags.key_of_record(), value, tags.time));
    } else {
      tags.time = static_cast<i64>(call<Function>(value, tags));
    }
    next(value, tags);
  }
};

template <class Key, auto Function>
struct AssignKey : ReadsKey<Function> {
  static constexpr bool kIsOneToOne = true;
  template <class In>
  using Output = In;

  template <class In, class Next>
  [[gnu::always_inline]] static void pass(Arena&, const In& value, Tags tags, Next next) {
    tags.key = encode_key(static_cast<Key>(call<Function>(value, tags)));
    next(value, tags);
  }
};

}  // namespace gameflow::detail
