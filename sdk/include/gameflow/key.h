// Key encoding: bytes whose lexicographic order is the order of the keys they stand for.
//
// string   its UTF-8 bytes                       integers  8 bytes big-endian, sign bit flipped
// bool     one byte, 0 or 1                      (unsigned integers: no flip)
#pragma once

#include <bit>
#include <concepts>

#include <gameflow/types.h>

namespace gameflow {

inline Text encode_key(Text key) {
  return key;
}

template <std::integral Integer>
Text encode_key(Integer key) {
  if constexpr (std::same_as<Integer, bool>) {
    return key ? Text("\1") : Text::view(std::string_view("\0", 1));
  } else {
    u64 bits = std::signed_integral<Integer>
                   ? static_cast<u64>(static_cast<i64>(key)) ^ (u64{1} << 63)
                   : static_cast<u64>(key);
    bits = __builtin_bswap64(bits);
    return Text::view(
        {arena().copy(reinterpret_cast<const char*>(&bits), sizeof bits), sizeof bits});
  }
}

// The integer of an encoded signed (or unsigned) key of 8 bytes.
inline i64 decode_signed_key(Text key) {
  u64 bits = 0;
  std::memcpy(&bits, key.data(), sizeof bits);
  return static_cast<i64>(__builtin_bswap64(bits) ^ (u64{1} << 63));
}
inline u64 decode_unsigned_key(Text key) {
  u64 bits = 0;
  std::memcpy(&bits, key.data(), sizeof bits);
  return __builtin_bswap64(bits);
}

static_assert(std::endian::native == std::endian::little,
              "key encoding assumes a little-endian machine");

}  // namespace gameflow
