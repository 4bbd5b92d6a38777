// A record that says where it goes: {"topic":"scores","key":"ann","value":{"score":7}}.
#pragma once

#include <optional>
#include <string_view>

#include "record/arena.h"
#include "record/codec.h"

namespace gameflow::record {

// Views as of Decoder::decode.
struct Envelope {
  std::string_view topic;
  std::optional<std::string_view> key;
  bool names_partition = false;
  std::string_view value;  // valid JSON, as it stands there
};

// False where `json` is none; the decoder says why. Other fields are skipped. Slots and padding as
// for Decoder::decode.
bool decode_envelope(Decoder& decoder, std::string_view json, Arena& arena, Envelope& out);
// Likewise one without a topic: {"key":"ann","value":{"score":7}}.
bool decode_keyed(Decoder& decoder, std::string_view json, Arena& arena, Envelope& out);

}  // namespace gameflow::record
