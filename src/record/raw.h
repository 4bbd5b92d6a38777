// Records that are no JSON but a value's bytes: `converter: raw`. Text is its UTF-8, bytes are
// themselves, numbers are big-endian, a bool is a byte, 0 or 1.
#pragma once

#include <string>
#include <string_view>

#include "record/codec.h"
#include "record/type.h"

namespace gameflow::record {

// Into the slot of a type that TypeTable::raw gave; text and bytes point into `bytes`. False, with
// the reason in `error`, where they are no such value.
bool decode_raw(const Type& type, std::string_view bytes, void* slot, DecodeError& error);

void encode_raw(const Type& type, const void* value, std::string& out);

}  // namespace gameflow::record
