// A chain of `run:` blocks as one abi::ChainFn: the user's functions are inlined into its loop. Not
// for operators.
//
// A value passes by reference: nothing is copied, and what a map makes is made in the call's arena.
// Errors   an exception takes back all that its record has made, and becomes its RecordError.
#pragma once

#include <exception>

#include <gameflow/steps.h>

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

template <u32 Steps>
struct StepOutputs {
  u64 count[Steps + 1];
};

// A record on its way through steps. `End` takes what leaves the last one.
template <class End, u32 Steps>
struct Pass {
  Arena& arena;
  End end;
  u32 step_index = 0;
  // Values that steps have handed on. A step that hands on one for each needs no counting: it would
  // cost an assign-timestamp and an assign-key a third of their time (5.6 instead of 4.0 ns a
  // record).
  StepOutputs<Steps> out{};

  template <u32 Index, class First, class... Rest, class Value>
  [[gnu::always_inline]] void step(const Value& value, Tags tags) {
    step_index = Index;
    Pass& self = *this;
    First::pass(
        arena, value,
        tags, [&self](const auto& next, Tags next_tags) __attribute__((always_inline)) {
          if constexpr (!First::kIsOneToOne) ++self.out.count[Index];
          self.template step<Index + 1, Rest...>(next, next_tags);
        });
  }
  template <u32 Index, class Value>
  [[gnu::always_inline]] void step(const Value& value, Tags tags) {
    end.template take<Index>(*this, value, tags);
  }
};

// Adds to `counts` what `Steps`, the first ones of a call, have done with `came` records, and all
// failures of the call. Then how many values came behind the steps. Inlined, it would change how
// the compiler keeps the loop in front of it: 4.7 instead of 4.0 ns a record.
template <class... Steps>
[[gnu::noinline]] u64 add_counts(u64 came, StepOutputs<sizeof...(Steps)> out,
                                 const abi::RecordError* errors, u32 error_count,
                                 abi::StepCount* counts) {
  constexpr u32 kSteps = sizeof...(Steps);
  u64 failed[kSteps + 1] = {};
  for (u32 e = 0; e < error_count; ++e) {
    const u32 step = errors[e].step;
    ++counts[step].failed;
    if (step < kSteps) ++failed[step];
    if (step > kSteps) --came;  // on-expire, which runs in front of the steps
  }
  constexpr bool kIsOneToOne[] = {Steps::kIsOneToOne..., true};
  for (u32 i = 0; i != kSteps; ++i) {
    counts[i].in += came;
    came = kIsOneToOne[i] ? came - failed[i] : out.count[i];
    counts[i].out += came;
  }
  return came;
}

// Of a function that is no chain.
inline void add_count(const abi::Call* call, const abi::StepCount& more) {
  if (call->counts == nullptr) return;
  call->counts->in += more.in;
  call->counts->out += more.out;
  call->counts->failed += more.failed;
}

// Most chains make at most one value of a record; growing on the way would cost a quarter of the
// time of two filters and a map (11 instead of 8 ns a record). Without memory for all of it, it
// grows as far as it can.
inline void reserve(List<abi::Emitted>& out, std::size_t more) noexcept {
  try {
    out.reserve(out.size() + more);
  } catch (const std::exception&) {
  }
}

// The end of a run of steps: what comes there is what goes out.
template <u32 Steps>
struct Emitting {
  List<abi::Emitted> out;  // a copy, so that it need not be read back after each call
  u32 origin = 0;

  template <u32, class Value>
  [[gnu::always_inline]] void take(Pass<Emitting, Steps>&, const Value& value, const Tags& tags) {
    out.push_back({&value, tags.time, tags.key, origin, tags.record_key});
  }
};

// An abi::ChainFn of the steps.
template <class In, class... Steps>
struct Chain {
  using Output = typename Run<In, Steps...>::Output;
  static constexpr u32 kAsks = Run<In, Steps...>::kAsks;

  static u32 run(abi::Call* call, const abi::Records* records, List<abi::Emitted>* out,
                 abi::RecordError* errors) {
    const CallScope scope(call);
    Pass<Emitting<sizeof...(Steps)>, sizeof...(Steps)> pass{*call->arena, {*out}};
    reserve(pass.end.out, records->count);
    u32 error_count = 0;
    for (u32 i = 0; i < records->count; ++i) {
      const std::size_t before = pass.end.out.size();
      pass.end.origin = i;
      if (records->row_keys != nullptr) {
        call->row_key = &records->row_keys[i];
        call->row_time = records->times[i];
      }
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
    *out = pass.end.out;
    if (call->counts != nullptr)
      add_counts<Steps...>(records->count, pass.out, errors, error_count, call->counts);
    return error_count;
  }
};

}  // namespace gameflow::detail
