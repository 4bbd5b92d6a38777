// Text and numbers into a buffer that has room for them. Each returns where it ends.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace gameflow::generate {

inline char* put(char* cursor, std::string_view text) {
  std::memcpy(cursor, text.data(), text.size());
  return cursor + text.size();
}

inline char* put(char* cursor, std::uint64_t number) {
  return std::to_chars(cursor, cursor + 20, number).ptr;
}

// Two digits, as in "level_02".
inline char* put_two(char* cursor, std::uint64_t number) {
  cursor[0] = static_cast<char>('0' + number / 10 % 10);
  cursor[1] = static_cast<char>('0' + number % 10);
  return cursor + 2;
}

// Tenths as a decimal: 123 is 12.3.
inline char* put_tenths(char* cursor, std::int32_t tenths) {
  cursor = put(cursor, static_cast<std::uint64_t>(tenths / 10));
  *cursor++ = '.';
  *cursor++ = static_cast<char>('0' + tenths % 10);
  return cursor;
}

inline char* put_hex(char* cursor, std::uint64_t number, int digits = 16) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
    *cursor++ = "0123456789abcdef"[number >> static_cast<unsigned>(shift) & 15U];
  return cursor;
}

}  // namespace gameflow::generate
