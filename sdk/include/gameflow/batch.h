// The functions of abi.h around the functions of `run:` blocks: generated code instantiates one per
// block, so that the user's function is inlined into the loop. Not for operators.
//
// Errors   an exception of the user's function becomes the RecordError of its record.
#pragma once

#include <gameflow/chain.h>

namespace gameflow {
namespace detail {

// Rows of the record at hand, one per state of the service; null where there is none.
struct CurrentRows {
  void* const* rows = nullptr;
  u32 count = 0;
  u32 asked = 0;  // as abi::RowUse
  u32 erased = 0;
};
inline thread_local CurrentRows current_rows;

template <class Row>
Row& current_row(std::size_t state) {
  CurrentRows& current = current_rows;
  if (current.rows == nullptr)
    throw std::logic_error("the row of a state can be used behind assign-key only");
  current.asked |= u32{1} << state;
  current.erased &= ~(u32{1} << state);
  return *static_cast<Row*>(current.rows[state]);
}

inline void note_erased(const void* row) {
  CurrentRows& current = current_rows;
  for (u32 state = 0; state < current.count; ++state) {
    if (current.rows[state] != row) continue;
    current.asked &= ~(u32{1} << state);
    current.erased |= u32{1} << state;
    return;
  }
  throw std::logic_error("erase() takes the row of a state: erase(STATE())");
}

// A state of a service: its row, and after how many ms without being asked for it runs out (0:
// never). What then becomes of it is an Expire<…>, or nothing.
template <class RowType, i64 TtlMs = 0, class OnExpire = void>
struct State {
  using Row = RowType;
  static constexpr i64 kTtl = TtlMs;
  using Expire = OnExpire;
};

// A row that runs out, and what its function makes of it. `Value` takes what the function sees of a
// row: the row, or the value of a primitive state.
template <auto Function, auto Value>
struct Expire {
  template <class Row, class Next>
  static void pass(Arena& arena, const Row& row, Tags tags, Next next) {
    using Seen = std::remove_cvref_t<decltype(Value(row))>;
    using Out = typename ExpireResult<decltype(Function), Seen>::type;
    const auto made = Function(Value(row));
    if (made) hand_on<Out>(arena, *made, tags, next);
  }
};

inline abi::RowTimes& times_of(void* row) {
  return static_cast<abi::RowTimes*>(row)[-1];
}

// Copies of the rows of one record, to put back or to compare with.
template <class... States>
class SavedRows {
 public:
  explicit SavedRows(void* const* rows) {
    char* at = bytes_;
    ((std::memcpy(at, from<States>(*rows++), kBytes<States>), at += kBytes<States>), ...);
  }

  void restore(void* const* rows) const {
    const char* at = bytes_;
    ((std::memcpy(from<States>(*rows++), at, kBytes<States>), at += kBytes<States>), ...);
  }

  // Bit s where row s has other bytes now. Padding counts, so a row may seem changed that is not;
  // that costs a write and nothing else.
  u32 changed(void* const* rows) const {
    u32 mask = 0, bit = 1;
    const char* at = bytes_;
    ((mask |= std::memcmp(from<States>(*rows++), at, kBytes<States>) != 0 ? bit : 0, bit <<= 1,
      at += kBytes<States>),
     ...);
    return mask;
  }

 private:
  // With its times, where it has some.
  template <class State>
  static constexpr std::size_t kBytes = sizeof(typename State::Row) +
                                        (State::kTtl != 0 ? sizeof(abi::RowTimes) : 0);
  template <class State>
  static char* from(void* row) {
    return static_cast<char*>(row) - (State::kTtl != 0 ? sizeof(abi::RowTimes) : 0);
  }
  char bytes_[(kBytes<States> + ... + 1)];
};

// The function of update-state, or none.
template <auto Function>
struct UpdateState {
  template <class In>
  static constexpr bool kReadsKey = !TakesValue<decltype(Function), In>;
  template <class In>
  [[gnu::always_inline]] static void apply(const In& value, const Tags& tags) {
    call<Function>(value, tags);
  }
};
struct NoUpdate {
  template <class In>
  static constexpr bool kReadsKey = false;
  template <class In>
  static void apply(const In&, const Tags&) {}
};

template <class...>
struct TypeList {};

// An abi::UpdateFn: the steps of `partition`, then update-state. `Emits`: what leaves the steps
// goes to the sinks. The errors of step `steps` are those of update-state, the ones behind it those
// of on-expire, by state.
template <class In, bool Emits, class Update, class StateList, class StepList>
struct Keyed;

template <class In, bool Emits, class Update, class... States, class... Steps>
struct Keyed<In, Emits, Update, TypeList<States...>, TypeList<Steps...>> {
  using Output = typename Run<In, Steps...>::Output;
  static constexpr u32 kAsks =
      Run<In, Steps...>::kAsks |
      (!IsUnknown<Output> && Update::template kReadsKey<Output> ? abi::kRecordKeys : abi::kNothing);

  static u32 run(abi::Call* call, const abi::KeyedRecords* records, abi::RowUse* uses,
                 List<abi::Emitted>* out, abi::RecordError* errors) {
    const CallScope scope(call);
    CurrentRows& current = current_rows;
    Pass<End> pass{*call->arena, {*out}};
    u32 error_count = 0;
    for (u32 i = 0; i < records->count; ++i) {
      void* const* const rows = records->rows + i * sizeof...(States);
      current = {rows, sizeof...(States), 0, 0};
      call->window_start_ms = records->spans[i].start_ms;
      call->window_end_ms = records->spans[i].end_ms;
      if (records->row_keys != nullptr) current_key = &records->row_keys[i];
      const Tags tags{records->times == nullptr ? 0 : records->times[i],
                      records->row_keys == nullptr ? Text() : records->row_keys[i],
                      records->record_keys == nullptr ? nullptr : &records->record_keys[i]};
      const std::size_t before = pass.end.out.size();
      pass.end.origin = i;
      const SavedRows<States...> saved(rows);
      try {
        if constexpr (kHasTtl) run_out(pass, rows, records->seen_times[i], tags);
        pass.template step<0, Steps...>(*static_cast<const In*>(records->values[i]), tags);
        if (current.erased != 0) clear_erased(rows);
        if constexpr (kHasTtl) note_seen(rows, records->seen_times[i]);
        uses[i] = {current.asked, saved.changed(rows), current.erased};
      } catch (...) {
        saved.restore(rows);
        pass.end.out.resize_down(before);
        uses[i] = {};
        errors[error_count++] = {i, pass.step_index, exception_text()};
      }
    }
    current = {};
    current_key = nullptr;
    *out = pass.end.out;
    return error_count;
  }

 private:
  static constexpr bool kHasTtl = (false || ... || (States::kTtl != 0));

  struct End {
    List<abi::Emitted> out;
    u32 origin = 0;

    template <u32 Index, class Value>
    [[gnu::always_inline]] void take(Pass<End>& pass, const Value& value, const Tags& tags) {
      if constexpr (Emits) out.push_back({&value, tags.time, tags.key, origin, tags.record_key});
      pass.step_index = Index;
      Update::apply(value, tags);
    }
  };

  // Rows that would have run out by the time of the record do so before it.
  static void run_out(Pass<End>& pass, void* const* rows, i64 now, const Tags& tags) {
    u32 state = 0;
    (run_out<States>(pass, rows[state], state, now, tags, state), ...);
  }
  template <class State>
  static void run_out(Pass<End>& pass, void* row, u32 number, i64 now, Tags tags, u32& state) {
    ++state;
    if constexpr (State::kTtl != 0) {
      using Row = typename State::Row;
      abi::RowTimes& times = times_of(row);
      if (times.seen_at == abi::kNever || times.seen_at + State::kTtl > now) return;
      if constexpr (!std::same_as<typename State::Expire, void>) {
        pass.step_index = static_cast<u32>(sizeof...(Steps)) + 1 + number;
        static const Optional<Text> no_key;
        tags.time = times.seen_at + State::kTtl;
        tags.record_key = &no_key;
        State::Expire::pass(pass.arena, *static_cast<const Row*>(row), tags,
                            [&pass](const auto& value, const Tags& made) {
                              pass.end.out.push_back(
                                  {&value, made.time, made.key, pass.end.origin, made.record_key});
                            });
      }
      *static_cast<Row*>(row) = Row{};
      times = {abi::kNever, 0};
      current_rows.erased |= u32{1} << number;
    }
  }

  // Also what was written to a row after it was erased.
  static void clear_erased(void* const* rows) {
    u32 state = 0;
    (clear_erased<States>(rows[state], state), ...);
  }

  template <class State>
  static void clear_erased(void* row, u32& state) {
    using Row = typename State::Row;
    if ((current_rows.erased >> state++ & 1) != 0) *static_cast<Row*>(row) = Row{};
  }

  static void note_seen(void* const* rows, i64 now) {
    u32 state = 0;
    (note_seen<States>(rows[state], u32{1} << state, now, state), ...);
  }
  template <class State>
  static void note_seen(void* row, u32 bit, i64 now, u32& state) {
    ++state;
    if constexpr (State::kTtl != 0) {
      abi::RowTimes& times = times_of(row);
      if ((current_rows.asked & bit) != 0 && times.seen_at < now) times.seen_at = now;
      if ((current_rows.erased & bit) != 0) times = {abi::kNever, 0};
    }
  }
};

// An abi::ExpireFn.
template <class Row, class Expire>
u32 expire(abi::Call* call, const abi::Records* records, List<abi::Emitted>* out,
           abi::RecordError* errors) {
  const CallScope scope(call);
  static const Optional<Text> no_key;
  u32 error_count = 0;
  for (u32 i = 0; i < records->count; ++i) {
    current_key = &records->row_keys[i];
    try {
      Expire::pass(*call->arena, *static_cast<const Row*>(records->values[i]),
                   Tags{records->times[i], records->row_keys[i], &no_key},
                   [&](const auto& value, const Tags& tags) {
                     out->push_back({&value, tags.time, tags.key, i, tags.record_key});
                   });
    } catch (...) {
      errors[error_count++] = {i, 0, exception_text()};
    }
  }
  current_key = nullptr;
  return error_count;
}

// An abi::FlushFn.
template <class Output, auto Function>
const void* flush(abi::Call* call, abi::RecordError* error) {
  const CallScope scope(call);
  try {
    const auto made = Function();
    if constexpr (std::is_convertible_v<decltype(made), Output>) {
      return new (call->arena->allocate(sizeof(Output), alignof(Output))) Output(made);
    } else {
      const Optional<Output> result = made;
      if (!result) {
        error->index = abi::kNoResult;
        return nullptr;
      }
      return new (call->arena->allocate(sizeof(Output), alignof(Output))) Output(*result);
    }
  } catch (...) {
    *error = {0, 0, exception_text()};
    return nullptr;
  }
}

}  // namespace detail

// Removes the row, or the value of a primitive state: erase(STATE()).
template <class Row>
void erase(Row& row) {
  detail::note_erased(&row);
  row = Row{};
}

}  // namespace gameflow
