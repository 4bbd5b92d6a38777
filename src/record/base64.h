// Base64 of RFC 4648 section 4: standard alphabet, padded, no line breaks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace gameflow::record {

void append_base64(std::span<const std::uint8_t> bytes, std::string& out);

// Writes the bytes of `text` to `out`, which has room for base64_size_max(text). Returns how many;
// -1 if the text is not base64, has no padding, or has bits behind its end.
std::ptrdiff_t decode_base64(std::string_view text, std::uint8_t* out);
constexpr std::size_t base64_size_max(std::string_view text) {
  return text.size() / 4 * 3;
}

}  // namespace gameflow::record
