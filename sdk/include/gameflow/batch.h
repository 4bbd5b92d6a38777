// The functions of abi.h around the functions of `run:` blocks: generated code instantiates one per
// block, so that the user's function is inlined into the loop. Not for operators.
//
// Errors   an exception of the user's function becomes the RecordError of its record.
#pragma once

#include <gameflow/chain.h>

namespace gameflow::detail {

// Rows of the record that update-state works on, one per state of the service; null outside of it.
struct CurrentRows {
  void* const* rows = nullptr;
  u32 asked = 0;  // bit s: the operator called for the row of state s
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
    throw std::logic_error("rows of a state can be used in update-state only; in flush use sql()");
  auto& row = *static_cast<Row*>(current.rows[state]);
  if constexpr (HasLists<Row>) {
    if ((current.asked >> state & 1U) == 0) detach_lists(row);
  }
  current.asked |= u32{1} << state;
  return row;
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

// An abi::UpdateFn.
template <class In, auto Function, class... Rows>
u32 update(abi::Call* call, const void* const* values, void* const* rows,
           const abi::WindowSpan* spans, u32 count, abi::RowUse* uses, abi::RecordError* errors) {
  const CallScope scope(call);
  CurrentRows& current = current_rows;
  u32 error_count = 0;
  for (u32 i = 0; i < count; ++i) {
    void* const* const record_rows = rows + i * sizeof...(Rows);
    current = {record_rows, 0};
    call->window_start_ms = spans[i].start_ms;
    call->window_end_ms = spans[i].end_ms;
    const SavedRows<Rows...> saved(record_rows);
    try {
      Function(*static_cast<const In*>(values[i]));
      uses[i] = {current.asked, saved.changed(record_rows)};
    } catch (...) {
      saved.restore(record_rows);
      uses[i] = {};
      errors[error_count++] = {i, 0, exception_text()};
    }
  }
  current = {};
  return error_count;
}

// An abi::FlushFn.
template <class Output, auto Function>
const void* flush(abi::Call* call, abi::RecordError* error) {
  const CallScope scope(call);
  try {
    return new (call->arena->allocate(sizeof(Output), alignof(Output))) Output(Function());
  } catch (...) {
    *error = {0, 0, exception_text()};
    return nullptr;
  }
}

}  // namespace gameflow::detail
