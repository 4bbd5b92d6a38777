// The function of a join as an abi::JoinFn, with the transforms behind it. Not for operators.
#pragma once

#include <gameflow/chain.h>
#include <gameflow/pairs.h>

namespace gameflow::detail {

// Keys meet across the sides where they are of one kind: text, bools, integers; a u64 only with a
// u64.
template <class T>
struct JoinKeyOf {
  using type = Unknown;
};
template <class T>
requires std::convertible_to<T, Text>
struct JoinKeyOf<T> {
  using type = Text;
};
template <>
struct JoinKeyOf<bool> {
  using type = bool;
};
template <Integer T>
struct JoinKeyOf<T> {
  using type = std::conditional_t<FitsInteger<T, i64>, i64, u64>;
};

template <class Function, class In>
concept AssignsJoinKey = IsUnknown<In> ||
    (Takes<Function, In> && !IsUnknown<typename JoinKeyOf<ResultOf<Function, In>>::type>);

// What assign-key of a side gives, and what it is encoded as.
template <class Function, class In>
struct JoinKey {
  using Given = Unknown;
  using type = Text;
};
template <class Function, class In>
requires(AssignsJoinKey<Function, In> && !IsUnknown<In>) struct JoinKey<Function, In> {
  using Given = ResultOf<Function, In>;
  using type = typename JoinKeyOf<Given>::type;
};

template <class Gives, class OfLeft>
struct NotAsKeyOfLeft;
template <class Left, class Right>
struct NotTakenByJoin;

// For sizeof, as those of checks.h.
template <class Right, class Left>
using CheckKeys =
    typename Check<IsUnknown<typename Right::Given> || IsUnknown<typename Left::Given> ||
                       std::same_as<typename Right::type, typename Left::type>,
                   NotAsKeyOfLeft<typename Right::Given, typename Left::Given>>::type;

template <class Function, class Left, class Right>
concept TakesPair = std::invocable<Function, const Left&, const Right*>;
// The key of the left record comes first.
template <class Function, class Left, class Right>
concept TakesPairWithKey = std::invocable<Function, const RecordKey&, const Left&, const Right*>;
template <class Function, class Left, class Right>
concept TakesJoined = TakesPair<Function, Left, Right> || TakesPairWithKey<Function, Left, Right>;

template <class Function, class Left, class Right>
using CheckJoin =
    typename Check<IsUnknown<Left> || IsUnknown<Right> || TakesJoined<Function, Left, Right>,
                   NotTakenByJoin<Left, Right>>::type;

template <class Function, class Left, class Right>
struct JoinedBy {
  using type = std::invoke_result_t<Function, const RecordKey&, const Left&, const Right*>;
};
template <class Function, class Left, class Right>
requires TakesPair<Function, Left, Right>
struct JoinedBy<Function, Left, Right> {
  using type = std::invoke_result_t<Function, const Left&, const Right*>;
};
template <class Function, class Left, class Right>
using Joined = std::remove_cvref_t<typename JoinedBy<Function, Left, Right>::type>;

// What it takes is told by CheckJoin.
template <class Function, class Left, class Right>
concept Joins =
    !TakesJoined<Function, Left, Right> || DataflowType<SaidBy<Joined<Function, Left, Right>>>;

template <class Function, class Left, class Right>
struct JoinResult {
  using type = Unknown;
};
template <class Function, class Left, class Right>
requires(TakesJoined<Function, Left, Right>&&
             Joins<Function, Left, Right>) struct JoinResult<Function, Left, Right> {
  using type = SaidBy<Joined<Function, Left, Right>>;
};

// The function, among the steps that are counted.
struct JoinStep {
  static constexpr bool kIsOneToOne = false;
};

// An abi::JoinFn of the function and the steps behind it.
template <class Left, class Right, auto Function, class... Steps>
struct Join {
  using Made = typename JoinResult<decltype(Function), Left, Right>::type;
  using Output = typename Run<Made, Steps...>::Output;

  static u32 run(abi::Call* call, const abi::Pairs* pairs, List<abi::Emitted>* out,
                 abi::RecordError* errors) {
    const CallScope scope(call);
    Passing pass{*call->arena, {*out}};
    reserve(pass.end.out, pairs->count);
    u32 error_count = 0;
    for (u32 i = 0; i < pairs->count; ++i) {
      const std::size_t before = pass.end.out.size();
      pass.end.origin = i;
      pass.step_index = 0;
      call->row_key = &pairs->row_keys[i];
      try {
        join(pass, *static_cast<const Left*>(pairs->left[i]),
             static_cast<const Right*>(pairs->right[i]),
             Tags{pairs->times[i], {}, &pairs->record_keys[i]});
      } catch (...) {
        pass.end.out.resize_down(before);
        errors[error_count++] = {i, pass.step_index, exception_text()};
      }
    }
    *out = pass.end.out;
    if (call->counts != nullptr)
      add_counts<JoinStep, Steps...>(pairs->count, pass.out, errors, error_count, call->counts);
    return error_count;
  }

 private:
  static constexpr u32 kSteps = sizeof...(Steps) + 1;
  using Passing = Pass<Emitting<kSteps>, kSteps>;

  [[gnu::always_inline]] static void join(Passing& pass, const Left& left, const Right* right,
                                          const Tags& tags) {
    const auto next = [&pass](const auto& value, const Tags& of_value) {
      ++pass.out.count[0];
      pass.template step<1, Steps...>(value, of_value);
    };
    if constexpr (TakesPair<decltype(Function), Left, Right>) {
      hand_on_said<Made>(pass.arena, Function(left, right), tags, next);
    } else {
      hand_on_said<Made>(pass.arena, Function(tags.key_of_record(), left, right), tags, next);
    }
  }
};

}  // namespace gameflow::detail
