// What an inline operator of dataflow.yaml can use. Generated code includes this header and defines
// the types of the dataflow, one accessor per state and the operators.
//
//   Text, List<T>, Optional<T>, Bytes, i8 … u64, f32, f64    types.h
//   Timestamp, parse_time(text[, otherwise])                 time.h
//   Decimal<N>, Map<T>, Json                                 decimal.h, map.h, json.h
//   STATE()              behind assign-key: the row of the current key, which exists from then on
//   erase(STATE())       the row is gone
//   STATE(key)           a row of another service's state, or of a table; null where there is none
//   sql<List<T>>(query)  rows of the states and tables at hand; columns map to fields by name
//   key()                behind assign-key: the key of the rows
//   window()             behind assign-key and in flush: the window's bounds
//
// Anything else of the standard library: #include it at the top of the run: block.
#pragma once

#include <gameflow/abi.h>
#include <gameflow/decimal.h>
#include <gameflow/json.h>
#include <gameflow/key.h>
#include <gameflow/map.h>
#include <gameflow/time.h>

namespace gameflow {

struct Window {
  enum Kind : u32 { kFinal, kEarly, kCorrected };
  i64 start;  // ms UTC, inclusive
  i64 end;    // ms UTC, exclusive
  Kind kind = kFinal;
};

namespace detail {

inline thread_local abi::Call* current_call = nullptr;

// Makes `call` the running call of this thread for as long as it lives.
class CallScope {
 public:
  explicit CallScope(abi::Call* call) : unread_before_(unread_times) {
    current_call = call;
    current_arena = call->arena;
  }
  ~CallScope() {
    if (current_call->counts != nullptr)
      current_call->counts->unread_times += unread_times - unread_before_;
    current_call = nullptr;
    current_arena = nullptr;
  }
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;

 private:
  const u64 unread_before_;
};

// The number of an object type of the dataflow; specialised by generated code.
template <class T>
struct TypeId;

template <class T>
struct ListItem;
template <class T>
struct ListItem<List<T>> {
  using type = T;
};

// Whether T is a List of objects of the dataflow.
template <class T>
concept ObjectList = requires {
  TypeId<typename ListItem<T>::type>::value;
};

}  // namespace detail

// Throws std::logic_error where no window belongs to what runs, or not yet.
inline Window window() {
  const abi::Call* const call = detail::current_call;
  if (call == nullptr || call->window_end_ms == call->window_start_ms)
    throw std::logic_error("window() can be used in a window only, behind assign-key");
  return {call->window_start_ms, call->window_end_ms, static_cast<Window::Kind>(call->window_kind)};
}

namespace detail {

inline abi::SqlArgument sql_argument(std::nullptr_t) {
  return {abi::SqlArgument::Kind::kNull, 0, 0, {}};
}
// As decimals are in SQL: the nearest double of up to 15 digits; of more, their digits.
template <u32 Scale>
abi::SqlArgument sql_argument(const Decimal<Scale>& value) {
  using Kind = abi::SqlArgument::Kind;
  if constexpr (Scale == 0) return {Kind::kInteger, value.units(), 0, {}};
  constexpr i64 kUnitsEnd = power_of_ten(15);
  if (value.units() > -kUnitsEnd && value.units() < kUnitsEnd) {
    const auto units = static_cast<f64>(value.units());
    return {Kind::kReal, 0, units / static_cast<f64>(power_of_ten(Scale)), {}};
  }
  return {Kind::kNumber, 0, 0, to_text(value)};
}
// An enum of the dataflow.
template <class T>
concept Named = std::is_enum_v<T> && requires(const T& value) {
  { to_text(value) } -> std::same_as<Text>;
};
template <class T>
abi::SqlArgument sql_argument(const T& value) {
  using Kind = abi::SqlArgument::Kind;
  if constexpr (Named<T>) {
    return {Kind::kText, 0, 0, to_text(value)};  // as SQL has it
  } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
    if constexpr (std::is_same_v<T, u64>) {
      if (value > u64{INT64_MAX}) return {Kind::kNumber, 0, 0, Text(std::to_string(value))};
    }
    return {Kind::kInteger, static_cast<i64>(value), 0, {}};
  } else if constexpr (std::is_floating_point_v<T>) {
    return {Kind::kReal, 0, static_cast<f64>(value), {}};
  } else if constexpr (std::is_convertible_v<const T&, Text>) {
    return {Kind::kText, 0, 0, Text(value)};
  } else {
    static_assert(std::is_convertible_v<const T&, i64>,
                  "an argument of sql() is a number, a decimal, a bool, an enum, a text or an "
                  "optional of these");
    return {Kind::kInteger, static_cast<i64>(value), 0, {}};
  }
}
template <class T>
abi::SqlArgument sql_argument(const Optional<T>& value) {
  return value ? sql_argument(*value) : sql_argument(nullptr);
}

// The row with this key of reference `number` of the service.
template <class Row, class Key>
const Row* find_row(u32 number, const Key& key) {
  abi::Call* const call = current_call;
  if (call == nullptr || call->find == nullptr)
    throw std::logic_error("no state or table can be read here");
  const Text encoded = encode_key(key);
  return static_cast<const Row*>(call->find(call->context, number, encoded.data(), encoded.size()));
}

}  // namespace detail

// The result of `query` over the states and tables at hand, as a list type of dataflow.yaml; each
// `?` in it stands for an argument. Throws std::runtime_error where the query is wrong; a literal
// query is already checked when the dataflow is built.
template <class ListType, class... Arguments>
ListType sql(std::string_view query, const Arguments&... arguments) {
  static_assert(detail::ObjectList<ListType>,
                "sql<T>() needs a T that is a list of objects of the dataflow");
  ListType rows;
  if constexpr (detail::ObjectList<ListType>) {
    using Item = typename detail::ListItem<ListType>::type;
    abi::Call* const call = detail::current_call;
    if (call == nullptr || call->sql == nullptr)
      throw std::logic_error("there are no tables that sql() could read here");
    const abi::SqlArgument given[sizeof...(Arguments) + 1] = {detail::sql_argument(arguments)...,
                                                              {}};
    if (!call->sql(call->context, query.data(), query.size(), given, sizeof...(Arguments),
                   detail::TypeId<Item>::value, &rows)) {
      throw std::runtime_error(call->sql_error.str());
    }
  }
  return rows;
}

}  // namespace gameflow
