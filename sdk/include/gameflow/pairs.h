// What a join's function of a library takes: part of abi.h, flat as all of it.
#pragma once

#include <gameflow/abi.h>

namespace gameflow::abi {

// Left and right events that meet, as columns.
struct Pairs {
  const void* const* left;            // of the type that leaves the left side's chain
  const void* const* right;           // of the right side's; right[i] is null: it meets none
  const i64* times;                   // the later of both
  const Optional<Text>* record_keys;  // of the left ones
  const Text* row_keys;               // what key() says, encoded
  u32 count;
};

// Runs the function of a join, then the transforms behind it. Appends what comes out to `out`;
// origins are indices of `pairs`. Returns the number of errors, in order of index.
using JoinFn = u32 (*)(Call* call, const Pairs* pairs, List<Emitted>* out, RecordError* errors);

}  // namespace gameflow::abi
