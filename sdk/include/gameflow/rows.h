// The rows of a record's key, as functions at them see them.
#pragma once

#include <gameflow/steps.h>

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

// A list of a row is shared with those who read the row, so an operator gets a copy.
template <class T>
void detach(List<T>& list) {
  List<T> own;
  own.reserve(list.size());
  for (const T& item : list) own.push_back(item);
  list = own;
}
template <class T>
void detach(Optional<List<T>>& list) {
  if (!list) return;
  List<T> own = *list;
  detach(own);
  list = own;
}

// Generated for rows that have lists.
template <class Row>
concept HasLists = requires(Row& row) {
  detach_lists(row);
};

template <class Row>
Row& current_row(std::size_t state) {
  CurrentRows& current = current_rows;
  if (current.rows == nullptr)
    throw std::logic_error("the row of a state can be used behind assign-key only");
  auto& row = *static_cast<Row*>(current.rows[state]);
  if constexpr (HasLists<Row>) {
    if ((current.asked >> state & 1U) == 0) detach_lists(row);
  }
  current.asked |= u32{1} << state;
  current.erased &= ~(u32{1} << state);
  return row;
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
struct UpdateState : ReadsKey<Function> {
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

}  // namespace detail

// Removes the row, or the value of a primitive state: erase(STATE()).
template <class Row>
void erase(Row& row) {
  detail::note_erased(&row);
  row = Row{};
}

}  // namespace gameflow
