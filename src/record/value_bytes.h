// A value of any type as bytes, exactly: what was made by operators comes back as it was, also what
// JSON would change (NaN, names that are written otherwise than read).
//
// Scalars as their bytes, text with its length, lists and maps with their count; an optional is a
// byte 0 or 1 and the value if there is one; a union the number of its variant and its value. The
// order is that of the type; a reader has to know it. Format: docs/formats/state.md.
//
// Threads  pure functions.
#pragma once

#include "base/bytes.h"
#include "record/arena.h"
#include "record/type.h"

namespace gameflow::record {

// The value in the slot of a type of records: no sketches.
void write_value(const Type& type, const void* slot, ByteWriter& out);

// Fills the slot. Text stays where it is read from; lists are made in `arena`. False where the
// bytes are no such value; then the slot holds no promise.
bool read_value(const Type& type, ByteReader& in, Arena& arena, void* slot);

}  // namespace gameflow::record
