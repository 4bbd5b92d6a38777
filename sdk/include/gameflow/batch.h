// The functions of abi.h around the functions of `run:` blocks: generated code instantiates one per
// block, so that the user's function is inlined into the loop. Not for operators.
//
// Errors   an exception of the user's function becomes the RecordError of its record.
#pragma once

#include <gameflow/each.h>
#include <gameflow/join.h>
#include <gameflow/keyed.h>
#include <gameflow/merge.h>

namespace gameflow::detail {

// An abi::ExpireFn.
template <class Row, class Expire>
u32 expire(abi::Call* call, const abi::Records* records, List<abi::Emitted>* out,
           abi::RecordError* errors) {
  const CallScope scope(call);
  static const Optional<Text> no_key;
  const std::size_t before = out->size();
  u32 error_count = 0;
  for (u32 i = 0; i < records->count; ++i) {
    call->row_key = &records->row_keys[i];
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
  add_count(call, {records->count, out->size() - before, error_count});
  return error_count;
}

// What the function says, in the arena.
template <class Output, auto Function>
const Output* say(Arena& arena) {
  const auto made = Function();
  if constexpr (std::is_convertible_v<decltype(made), Output>) {
    return new (arena.allocate(sizeof(Output), alignof(Output))) Output(made);
  } else {
    const Optional<Output> result = made;
    if (!result) return nullptr;
    return new (arena.allocate(sizeof(Output), alignof(Output))) Output(*result);
  }
}

// An abi::FlushFn.
template <class Output, auto Function>
const void* flush(abi::Call* call, abi::RecordError* error) {
  const CallScope scope(call);
  try {
    const Output* const result = say<Output, Function>(*call->arena);
    if (result == nullptr) error->index = abi::kNoResult;
    add_count(call, {1, result == nullptr ? 0U : 1U, 0});
    return result;
  } catch (...) {
    *error = {0, 0, exception_text()};
    add_count(call, {1, 0, 1});
    return nullptr;
  }
}

}  // namespace gameflow::detail
