// What some editors and shells put in front of UTF-8; not part of the text.
#pragma once

#include <string_view>

namespace gameflow {

inline std::string_view without_byte_order_mark(std::string_view text) {
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  return text.starts_with(kMark) ? text.substr(kMark.size()) : text;
}

}  // namespace gameflow
