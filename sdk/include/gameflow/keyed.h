// The functions of `partition` as one abi::UpdateFn. Not for operators.
//
// Errors   an exception takes back all that its record has done, and becomes its RecordError.
#pragma once

#include <gameflow/chain.h>
#include <gameflow/rows.h>

namespace gameflow::detail {

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
    Passing pass{*call->arena, {*out}};
    pass.end.counts = call->counts;
    u32 error_count = 0;
    for (u32 i = 0; i < records->count; ++i) {
      void* const* const rows = records->rows + i * sizeof...(States);
      current = {rows, sizeof...(States), 0, 0};
      call->window_start_ms = records->spans[i].start_ms;
      call->window_end_ms = records->spans[i].end_ms;
      if (records->row_keys != nullptr) call->row_key = &records->row_keys[i];
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
    *out = pass.end.out;
    if (call->counts != nullptr) {
      call->counts[kSteps].in +=
          add_counts<Steps...>(records->count, pass.out, errors, error_count, call->counts);
    }
    return error_count;
  }

 private:
  struct End;
  static constexpr u32 kSteps = sizeof...(Steps);
  using Passing = Pass<End, kSteps>;
  static constexpr bool kHasTtl = (false || ... || (States::kTtl != 0));

  struct End {
    List<abi::Emitted> out;
    u32 origin = 0;
    abi::StepCount* counts = nullptr;

    template <u32 Index, class Value>
    [[gnu::always_inline]] void take(Passing& pass, const Value& value, const Tags& tags) {
      if constexpr (Emits) out.push_back({&value, tags.time, tags.key, origin, tags.record_key});
      pass.step_index = Index;
      Update::apply(value, tags);
    }
  };

  // Rows that would have run out by the time of the record do so before it.
  static void run_out(Passing& pass, void* const* rows, i64 now, const Tags& tags) {
    u32 state = 0;
    (run_out<States>(pass, rows[state], state, now, tags, state), ...);
  }
  template <class State>
  static void run_out(Passing& pass, void* row, u32 number, i64 now, Tags tags, u32& state) {
    ++state;
    if constexpr (State::kTtl != 0) {
      using Row = typename State::Row;
      abi::RowTimes& times = times_of(row);
      if (times.seen_at == abi::kNever || times.seen_at + State::kTtl > now) return;
      if constexpr (!std::same_as<typename State::Expire, void>) {
        pass.step_index = kSteps + 1 + number;
        abi::StepCount unseen{};
        abi::StepCount& count =
            pass.end.counts == nullptr ? unseen : pass.end.counts[pass.step_index];
        ++count.in;
        static const Optional<Text> no_key;
        tags.time = times.seen_at + State::kTtl;
        tags.record_key = &no_key;
        State::Expire::pass(pass.arena, *static_cast<const Row*>(row), tags,
                            [&](const auto& value, const Tags& made) {
                              ++count.out;
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

}  // namespace gameflow::detail
