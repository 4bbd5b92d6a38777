// What an inline operator of dataflow.yaml can use. Generated code includes this header and defines
// the types of the dataflow, one accessor per state and the operators.
//
//   Text, List<T>, Optional<T>, Bytes, i8 … u64, f32, f64    types.h
//   Timestamp, parse_time(text[, otherwise])                 time.h
//   Decimal<N>, Map<T>, Json                                 decimal.h, map.h, json.h
//   STATE()              in update-state: the row of the current key, which exists from then on
//   sql<List<T>>(query)  in flush: rows of the window that closed; columns map to fields by name
//   window()             in update-state and flush: the window's bounds
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
  i64 start;  // ms UTC, inclusive
  i64 end;    // ms UTC, exclusive
};

namespace detail {

inline thread_local abi::Call* current_call = nullptr;

// Makes `call` the running call of this thread for as long as it lives.
class CallScope {
 public:
  explicit CallScope(abi::Call* call) {
    current_call = call;
    current_arena = call->arena;
  }
  ~CallScope() {
    current_call = nullptr;
    current_arena = nullptr;
  }
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;
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

// Throws std::logic_error in assign-timestamp and assign-key, which no window belongs to yet.
inline Window window() {
  const abi::Call* const call = detail::current_call;
  if (call == nullptr || call->window_end_ms == call->window_start_ms)
    throw std::logic_error("window() can be used in update-state and flush only");
  return {call->window_start_ms, call->window_end_ms};
}

// The result of `query` over the states of this service, as a list type of dataflow.yaml. Throws
// std::runtime_error where the query is wrong; a literal query is already checked when the dataflow
// is built.
template <class ListType>
ListType sql(std::string_view query) {
  static_assert(detail::ObjectList<ListType>,
                "sql<T>() needs a T that is a list of objects of the dataflow");
  ListType rows;
  if constexpr (detail::ObjectList<ListType>) {
    using Item = typename detail::ListItem<ListType>::type;
    abi::Call* const call = detail::current_call;
    if (call == nullptr || call->sql == nullptr)
      throw std::logic_error("sql() can be used in flush only");
    if (!call->sql(call->sql_context, query.data(), query.size(), detail::TypeId<Item>::value,
                   &rows)) {
      throw std::runtime_error(call->sql_error.str());
    }
  }
  return rows;
}

}  // namespace gameflow
