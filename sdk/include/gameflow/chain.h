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

// A step of a chain. `pass` hands a value to `next`, or does not; what is said about the record
// goes with it.
struct Tags {
  i64 time;
  Text key;
};

template <auto Function>
struct Map {
  template <class In>
  using Output = typename MapResult<decltype(Function), In>::type;

  template <class In, class Next>
  [[gnu::always_inline]] static void pass(Arena& arena, const In& value, Tags tags, Next next) {
    using Out = Output<In>;
    next(*new (arena.allocate(sizeof(Out), alignof(Out))) Out(Function(value)), tags);
  }
};

template <auto Function>
struct Filter {
  template <class In>
  using Output = In;

  template <class In, class Next>
  [[gnu::always_inline]] static void pass(Arena&, const In& value, Tags tags, Next next) {
    if (Function(value)) next(value, tags);
  }
};

template <auto Function>
struct FilterMap {
  template <class In>
  using Output = typename FilterMapResult<decltype(Function), In>::type;

  template <class In, class Next>
  [[gnu::always_inline]] static void pass(Arena& arena, const In& value, Tags tags, Next next) {
    using Out = Output<In>;
    const Optional<Out> made = Function(value);
    if (made) next(*new (arena.allocate(sizeof(Out), alignof(Out))) Out(*made), tags);
  }
};

template <auto Function>
struct FlatMap {
  template <class In>
  using Output = typename FlatMapResult<decltype(Function), In>::type;

  template <class In, class Next>
  [[gnu::always_inline]] static void pass(Arena&, const In& value, Tags tags, Next next) {
    const List<Output<In>> items = Function(value);
    for (const Output<In>& item : items) next(item, tags);
  }
};

template <auto Function>
struct AssignTimestamp {
  template <class In>
  using Output = In;

  template <class In, class Next>
  [[gnu::always_inline]] static void pass(Arena&, const In& value, Tags tags, Next next) {
    if constexpr (TakesWithTime<decltype(Function), In>) {
      tags.time = static_cast<i64>(Function(value, tags.time));
    } else {
      tags.time = static_cast<i64>(Function(value));
    }
    next(value, tags);
  }
};

template <class Key, auto Function>
struct AssignKey {
  template <class In>
  using Output = In;

  template <class In, class Next>
  [[gnu::always_inline]] static void pass(Arena&, const In& value, Tags tags, Next next) {
    tags.key = encode_key(static_cast<Key>(Function(value)));
    next(value, tags);
  }
};

template <class In, class... Steps>
struct OutputOf {
  using type = In;
};
template <class In, class First, class... Rest>
struct OutputOf<In, First, Rest...> : OutputOf<typename First::template Output<In>, Rest...> {};

// An abi::ChainFn of the steps.
template <class In, class... Steps>
struct Chain {
  using Output = typename OutputOf<In, Steps...>::type;

  static u32 run(abi::Call* call, const abi::Records* records, List<abi::Emitted>* out,
                 abi::RecordError* errors) {
    const CallScope scope(call);
    Pass pass{*call->arena, *out};
    reserve(pass.out, records->count);
    u32 error_count = 0;
    for (u32 i = 0; i < records->count; ++i) {
      const std::size_t before = pass.out.size();
      pass.origin = i;
      try {
        pass.template step<0, Steps...>(*static_cast<const In*>(records->values[i]),
                                        Tags{records->times[i], {}});
      } catch (...) {
        pass.out.resize_down(before);
        errors[error_count++] = {i, pass.step_index, exception_text()};
      }
    }
    *out = pass.out;
    return error_count;
  }

 private:
  // Most chains make at most one value of a record; growing on the way would cost a quarter of the
  // time of two filters and a map (11 instead of 8 ns a record). Without memory for all of it, it
  // grows as far as it can.
  static void reserve(List<abi::Emitted>& out, std::size_t more) noexcept {
    try {
      out.reserve(out.size() + more);
    } catch (const std::exception&) {
    }
  }

  struct Pass {
    Arena& arena;
    List<abi::Emitted> out;  // a copy, so that it need not be read back after each call
    u32 origin = 0;
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
      out.push_back({&value, tags.time, tags.key, origin});
    }
  };
};

}  // namespace gameflow::detail
