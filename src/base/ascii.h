// Letters of ASCII, whatever the locale: SQL names, HTTP headers, units. All other bytes stay as
// they are, so UTF-8 stays UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace gameflow {

constexpr char lower_case(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = lower_case(c);
  return lower;
}

}  // namespace gameflow
