// The functions of abi.h around the functions of `run:` blocks: generated code instantiates one per
// block, so that the user's function is inlined into the loop. Not for operators.
//
// Errors   an exception of the user's function becomes the RecordError of its record.
#pragma once

#include <concepts>
#include <exception>

#include <gameflow/operator.h>

namespace gameflow::detail {

// Rows of the record that update-state works on, one per state of the service; null outside of it.
struct CurrentRows {
  void* const* rows = nullptr;
  u32 asked = 0;  // bit s: the operator called for the row of state s
};
inline thread_local CurrentRows current_rows;

template <class Row>
Row& current_row(std::size_t state) {
  CurrentRows& current = current_rows;
  if (current.rows == nullptr)
    throw std::logic_error("rows of a state can be used in update-state only; in flush use sql()");
  current.asked |= u32{1} << state;
  return *static_cast<Row*>(current.rows[state]);
}

// What a run: block must look like; generated static_asserts say it in words.
template <class Function, class Event>
concept TakesEvent = std::invocable<Function, const Event&>;

template <class Function, class Event>
concept TakesEventAndTime = std::invocable<Function, const Event&, i64>;

template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool>;

template <class Function, class Event>
concept AssignsTimestamp =
    (TakesEvent<Function, Event> &&
     Integer<std::remove_cvref_t<std::invoke_result_t<Function, const Event&>>>) ||
    (TakesEventAndTime<Function, Event> &&
     Integer<std::remove_cvref_t<std::invoke_result_t<Function, const Event&, i64>>>);

// Whether every value of From is a value of To.
template <class From, class To>
concept FitsInteger = Integer<From> && Integer<To> &&
    (std::signed_integral<From> == std::signed_integral<To>
         ? sizeof(From) <= sizeof(To)
         : std::signed_integral<To> && sizeof(From) < sizeof(To));

template <class From, class Key>
concept FitsKey = (std::same_as<Key, Text> && std::convertible_to<From, Text>) ||
                  (std::same_as<Key, bool> && std::same_as<From, bool>) || FitsInteger<From, Key>;

template <class Function, class Event, class Key>
concept AssignsKey = TakesEvent<Function, Event> &&
    FitsKey<std::remove_cvref_t<std::invoke_result_t<Function, const Event&>>, Key>;

template <class Function, class Event>
concept UpdatesState =
    TakesEvent<Function, Event> && std::is_void_v<std::invoke_result_t<Function, const Event&>>;

template <class Function, class Output>
concept Flushes =
    std::invocable<Function> && std::convertible_to<std::invoke_result_t<Function>, Output>;

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

template <class Event>
const Event& event_at(const void* events, std::size_t stride, u32 index) {
  return *reinterpret_cast<const Event*>(static_cast<const char*>(events) + index * stride);
}

template <class Event, auto Function>
u32 assign_timestamps(abi::Call* call, const void* events, std::size_t stride, u32 count,
                      const i64* record_times, i64* times, abi::RecordError* errors) {
  const CallScope scope(call);
  u32 error_count = 0;
  for (u32 i = 0; i < count; ++i) {
    try {
      const Event& event = event_at<Event>(events, stride, i);
      if constexpr (TakesEventAndTime<decltype(Function), Event>) {
        times[i] = static_cast<i64>(Function(event, record_times[i]));
      } else {
        times[i] = static_cast<i64>(Function(event));
      }
    } catch (...) {
      errors[error_count++] = {i, exception_text()};
    }
  }
  return error_count;
}

template <class Event, class Key, auto Function>
u32 assign_keys(abi::Call* call, const void* events, std::size_t stride, u32 count, Text* keys,
                abi::RecordError* errors) {
  const CallScope scope(call);
  u32 error_count = 0;
  for (u32 i = 0; i < count; ++i) {
    try {
      keys[i] = encode_key(static_cast<Key>(Function(event_at<Event>(events, stride, i))));
    } catch (...) {
      errors[error_count++] = {i, exception_text()};
    }
  }
  return error_count;
}

// Copies of the rows of one record, to put back or to compare with.
template <class... Rows>
class SavedRows {
 public:
  explicit SavedRows(void* const* rows) {
    char* at = bytes_;
    ((std::memcpy(at, *rows++, sizeof(Rows)), at += sizeof(Rows)), ...);
  }

  void restore(void* const* rows) const {
    const char* at = bytes_;
    ((std::memcpy(*rows++, at, sizeof(Rows)), at += sizeof(Rows)), ...);
  }

  // Bit s where row s has other bytes now. Padding counts, so a row may seem changed that is not;
  // that costs a write and nothing else.
  u32 changed(void* const* rows) const {
    u32 mask = 0, bit = 1;
    const char* at = bytes_;
    ((mask |= std::memcmp(*rows++, at, sizeof(Rows)) != 0 ? bit : 0, bit <<= 1, at += sizeof(Rows)),
     ...);
    return mask;
  }

 private:
  char bytes_[(sizeof(Rows) + ... + 1)];
};

template <class Event, auto Function, class... Rows>
u32 update_states(abi::Call* call, const void* const* events, void* const* rows,
                  const i64* window_starts_ms, i64 window_size_ms, u32 count, abi::RowUse* uses,
                  abi::RecordError* errors) {
  const CallScope scope(call);
  CurrentRows& current = current_rows;
  u32 error_count = 0;
  for (u32 i = 0; i < count; ++i) {
    void* const* const record_rows = rows + i * sizeof...(Rows);
    current = {record_rows, 0};
    call->window_start_ms = window_starts_ms[i];
    call->window_end_ms = window_starts_ms[i] + window_size_ms;
    const SavedRows<Rows...> saved(record_rows);
    try {
      Function(*static_cast<const Event*>(events[i]));
      uses[i] = {current.asked, saved.changed(record_rows)};
    } catch (...) {
      saved.restore(record_rows);
      uses[i] = {};
      errors[error_count++] = {i, exception_text()};
    }
  }
  current = {};
  return error_count;
}

template <class Output, auto Function>
bool flush(abi::Call* call, void* out, abi::RecordError* error) {
  const CallScope scope(call);
  try {
    new (out) Output(Function());
    return true;
  } catch (...) {
    *error = {0, exception_text()};
    return false;
  }
}

}  // namespace gameflow::detail
