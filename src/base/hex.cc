#include "base/hex.h"

#include <charconv>
#include <system_error>

namespace gameflow {

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

std::optional<std::string> from_hex(std::string_view hex) {
  std::string bytes;
  for (; hex.size() >= 2; hex.remove_prefix(2)) {
    unsigned char byte = 0;
    const auto parsed = std::from_chars(hex.data(), hex.data() + 2, byte, 16);
    if (parsed.ec != std::errc{} || parsed.ptr != hex.data() + 2) return std::nullopt;
    bytes += static_cast<char>(byte);
  }
  if (!hex.empty()) return std::nullopt;
  return bytes;
}

}  // namespace gameflow
