// Bytes as text, two hexadecimal digits each.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gameflow {

// In small letters.
std::string to_hex(std::string_view bytes);

// Nothing unless `hex` is pairs of digits, in letters of either size.
std::optional<std::string> from_hex(std::string_view hex);

}  // namespace gameflow
