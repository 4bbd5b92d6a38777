// XXH64, as https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md describes it: the same
// value on every machine, for ever. Not for operators.
#pragma once

#include <string_view>

#include <gameflow/types.h>

namespace gameflow::detail {

class Xxh64 {
 public:
  static u64 of(std::string_view bytes, u64 seed) {
    const char* at = bytes.data();
    std::size_t left = bytes.size();
    u64 hash = seed + k5;
    if (left >= 32) {
      u64 lanes[4] = {seed + k1 + k2, seed + k2, seed, seed - k1};
      for (; left >= 32; left -= 32) {
        for (u64& lane : lanes) {
          lane = round(lane, load<u64>(at));
          at += 8;
        }
      }
      hash =
          rotate(lanes[0], 1) + rotate(lanes[1], 7) + rotate(lanes[2], 12) + rotate(lanes[3], 18);
      for (const u64 lane : lanes) hash = (hash ^ round(0, lane)) * k1 + k4;
    }
    hash += bytes.size();
    for (; left >= 8; left -= 8, at += 8)
      hash = rotate(hash ^ round(0, load<u64>(at)), 27) * k1 + k4;
    for (; left >= 4; left -= 4, at += 4) hash = rotate(hash ^ load<u32>(at) * k1, 23) * k2 + k3;
    for (; left != 0; --left, ++at) hash = rotate(hash ^ static_cast<u8>(*at) * k5, 11) * k1;
    hash = (hash ^ (hash >> 33)) * k2;
    hash = (hash ^ (hash >> 29)) * k3;
    return hash ^ (hash >> 32);
  }

 private:
  static constexpr u64 k1 = 0x9E37'79B1'85EB'CA87, k2 = 0xC2B2'AE3D'27D4'EB4F,
                       k3 = 0x1656'67B1'9E37'79F9, k4 = 0x85EB'CA77'C2B2'AE63,
                       k5 = 0x27D4'EB2F'1656'67C5;

  static u64 rotate(u64 value, int by) { return value << by | value >> (64 - by); }
  static u64 round(u64 lane, u64 input) { return rotate(lane + input * k2, 31) * k1; }
  template <class T>
  static u64 load(const char* from) {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
  }
};

}  // namespace gameflow::detail
