// A chain of `run:` blocks as one abi::ChainFn: the user's functions are inlined into its loop. Not
// for operators.
//
// A value passes by reference: nothing is copied, and what a map makes is made in the call's arena.
// Errors   an exception takes back all that its record has made, and becomes its RecordError.
#pragma once

#include <exception>

#include <gameflow/checks.h>

namespace gameflow::detail {

// The text of the exception being handled. Never throws.
inline Text exception_text() noexcept {
  try {
    throw;
  } catch (const std::exception& error) {
    try {
      return std::string_view(error.what());
    } catch (...) {
      return "out of memory";
    }
  } catch (...) {
    return "unknown exception";
  }
}

// What is said about a record goes with it through the steps.
struct Tags {
  i64 time;
  Text key;                          // of the rows
  const Optional<Text>* record_key;  // as in abi::Emitted

  Optional<Text> key_of_record() const {
    return record_key == nullptr ? Optional<Text>() : *record_key;
  }
};

// What key() says; null where there is none.
inline thread_local const Text* current_key = nullptr;

// The key of the rows, as its own type.
template <class Key>
Key current_row_key() {
  if (current_key == nullptr) throw std::logic_error("key() can be used behind assign-key only");
  if constexpr (std::same_as<Key, Text>) {
    return *current_key;
  } else if constexpr (std::same_as<Key, bool>) {
    return (*current_key)[0] != 0;
  } else if constexpr (std::signed_integral<Key>) {
    return static_cast<Key>(decode_signed_key(*current_key));
  } else {
    return static_cast<Key>(decode_unsigned_key(*current_key));
  }
}

// The function's result for a value, with its record's key where it asks for it.
template <auto Function, class In>
[[gnu::always_inline]] decltype(auto) call(const In& value, const Tags& tags) {
  if constexpr (TakesValue<decltype(Function), In>) {
    return Function(value);
  } else {
    return Function(tags.key_of_record(), value);
  }
}

// What a function gave goes on, with the key that it may have given.
template <class Out, class Made, class Next>
[[gnu::always_inline]] void hand_on(Arena& arena, const Made& made, Tags tags, Next next) {
  if constexpr (std::same_as<Made, KeyValue<Out>>) {
    using Key = Optional<Text>;
    tags.record_key = new (arena.allocate(sizeof(Key), alignof(Key))) Key(made.key);
    next(*new (arena.allocate(sizeof(Out), alignof(Out))) Out(made.value), tags);
  } else {
    next(*new (arena.allocate(sizeof(Out), alignof(Out))) Out(made), tags);
  }
}

// The steps of a chain. `pass` hands a value to `next`, or does not.
template <auto Function>
struct Map {
  template <class In>
  using Output = typename MapResult<decltype(Function), In>::type;
  template <class In>
  static constexpr bool kReadsKey = !TakesValue<decltype(Function), In>;

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
struct Filter {
  template <class In>
  using Output = In;
  template <class In>
  static constexpr bool kReadsKey = !TakesValue<decltype(Function), In>;

  template <class In, class Next>
  [[gnu::always_inline]] static void pass(Arena&, const In& value, Tags tags, Next next) {
    if (call<Function>(value, tags)) next(value, tags);
  }
};

template <auto Function>
struct FilterMap {
  template <class In>
  using Output = typename FilterMapResult<decltype(Function), In>::type;
  template <class In>
  static constexpr bool kReadsKey = !TakesValue<decltype(Function), In>;

  template <class In, class Next>
  [[gnu::always_inline]] static void pass(Arena& arena, const In& value, Tags tags, Next next) {
    const ResultOf<decltype(Function), In> made = call<Function>(value, tags);
    if (made) hand_on<Output<In>>(arena, *made, tags, next);
  }
};

template <auto Function>
struct FlatMap {
  template <class In>
  using Output = typename FlatMapResult<decltype(Function), In>::type;
  template <class In>
  static constexpr bool kReadsKey = !TakesValue<decltype(Function), In>;

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
struct AssignKey {
  template <class In>
  using Output = In;
  template <class In>
  static constexpr bool kReadsKey = !TakesValue<decltype(Function), In>;

  template <class In, class Next>
  [[gnu::always_inline]] static void pass(Arena&, const In& value, Tags tags, Next next) {
    tags.key = encode_key(static_cast<Key>(call<Function>(value, tags)));
    next(value, tags);
  }
};

// What a run of steps makes of an In, and what it asks for.
template <class In, class... Steps>
struct Run {
  using Output = In;
  static constexpr u32 kAsks = abi::kNothing;
};
template <class In, class First, class... Rest>
struct Run<In, First, Rest...> {
  using After = Run<typename First::template Output<In>, Rest...>;
  using Output = typename After::Output;
  static constexpr u32 kAsks =
      After::kAsks |
      (!IsUnknown<In> && First::template kReadsKey<In> ? abi::kRecordKeys : abi::kNothing);
};

// A record on its way through steps. `End` takes what leaves the last one.
template <class End>
struct Pass {
  Arena& arena;
  End end;
  u32 step_index = 0;

  template <u32 Index, class First, class... Rest, class Value>
  [[gnu::always_inline]] void step(const Value& value, Tags tags) {
    step_index = Index;
    Pass& self = *this;
    First::pass(
        arena, value,
        tags, [&self](const auto& next, Tags next_tags) __attribute__((always_inline)) {
          self.template step<Index + 1, Rest...>(next, next_tags);
        });
  }
  template <u32 Index, class Value>
  [[gnu::always_inline]] void step(const Value& value, Tags tags) {
    end.template take<Index>(*this, value, tags);
  }
};

// Most chains make at most one value of a record; growing on the way would cost a quarter of the
// time of two filters and a map (11 instead of 8 ns a record). Without memory for all of it, it
// grows as far as it can.
inline void reserve(List<abi::Emitted>& out, std::size_t more) noexcept {
  try {
    out.reserve(out.size() + more);
  } catch (const std::exception&) {
  }
}

// An abi::ChainFn of the steps.
template <class In, class... Steps>
struct Chain {
  using Output = typename Run<In, Steps...>::Output;
  static constexpr u32 kAsks = Run<In, Steps...>::kAsks;

  static u32 run(abi::Call* call, const abi::Records* records, List<abi::Emitted>* out,
                 abi::RecordError* errors) {
    const CallScope scope(call);
    Pass<End> pass{*call->arena, {*out}};
    reserve(pass.end.out, records->count);
    u32 error_count = 0;
    for (u32 i = 0; i < records->count; ++i) {
      const std::size_t before = pass.end.out.size();
      pass.end.origin = i;
      if (records->row_keys != nullptr) current_key = &records->row_keys[i];
      const auto* const record_key =
          records->record_keys == nullptr ? nullptr : &records->record_keys[i];
      try {
        pass.template step<0, Steps...>(*static_cast<const In*>(records->values[i]),
                                        Tags{records->times[i], {}, record_key});
      } catch (...) {
        pass.end.out.resize_down(before);
        errors[error_count++] = {i, pass.step_index, exception_text()};
      }
    }
    current_key = nullptr;
    *out = pass.end.out;
    return error_count;
  }

 private:
  struct End {
    List<abi::Emitted> out;  // a copy, so that it need not be read back after each call
    u32 origin = 0;

    template <u32, class Value>
    [[gnu::always_inline]] void take(Pass<End>&, const Value& value, const Tags& tags) {
      out.push_back({&value, tags.time, tags.key, origin, tags.record_key});
    }
  };
};

}  // namespace gameflow::detail
