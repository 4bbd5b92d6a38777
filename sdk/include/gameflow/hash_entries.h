// The hashes of a Distinct: what is kept of them, and how many they say there are. Not for
// operators.
#pragma once

#include <algorithm>
#include <bit>

#include <gameflow/types.h>

namespace gameflow::detail {

// An entry is the first 26 bits of a hash, which are its place, and 6 bits: one more than the zeros
// that the other 38 begin with. The first 12 bits choose a register.
struct HashEntries {
  using Item = u32;

  static constexpr int kHashBits = 64, kPlaceBits = 26, kRankBits = 6, kRegisterBits = 12;
  static constexpr u32 kRegisters = 1U << kRegisterBits;
  static constexpr int kRankMax = kHashBits - kRegisterBits + 1;

  static u32 of(u64 hash) {
    const u64 rest = hash << kPlaceBits;
    const int zeros = rest == 0 ? kHashBits - kPlaceBits : std::countl_zero(rest);
    return static_cast<u32>(hash >> (kHashBits - kPlaceBits)) << kRankBits |
           static_cast<u32>(zeros + 1);
  }
  static u32 place_of(u32 entry) { return entry >> kRankBits; }
  static u32 joined(u32 a, u32 b) { return std::max(a, b); }
  static u32 register_of(u32 entry) { return entry >> (32 - kRegisterBits); }
  // One more than the zeros behind the bits that choose the register.
  static u8 rank_of(u32 entry) {
    constexpr int kBits = kPlaceBits - kRegisterBits;  // of the place, behind those
    const u32 rest = entry << kRegisterBits;           // those, then the rank
    const int zeros = rest == 0 ? kBits : std::countl_zero(rest);
    if (zeros < kBits) return static_cast<u8>(zeros + 1);
    return static_cast<u8>(kBits + static_cast<int>(entry & ((1U << kRankBits) - 1)));
  }
};

// In front of the bytes of a Distinct.
struct HashHead {
  u8 kind;      // 'D'
  u8 is_dense;  // 0, 1
  u8 zero[6];
};
static_assert(sizeof(HashHead) == 8);

// Ertl's estimator, of registers that hold the highest rank of their hashes.
class HashRegisters {
 public:
  static u64 estimate(const u8* registers) {
    constexpr int kRankMax = HashEntries::kRankMax;
    u32 counts[kRankMax + 1] = {};
    for (u32 i = 0; i < HashEntries::kRegisters; ++i)
      ++counts[std::min<int>(registers[i], kRankMax)];
    constexpr f64 kCount = HashEntries::kRegisters,
                  kAlpha = 0.721347520444481703680;  // 1 / (2 ln 2)
    f64 z = kCount * tau(1 - counts[kRankMax] / kCount);
    for (int rank = kRankMax - 1; rank >= 1; --rank) z = 0.5 * (z + counts[rank]);
    z += kCount * sigma(counts[0] / kCount);
    return static_cast<u64>(__builtin_llround(kAlpha * kCount * kCount / z));
  }

 private:
  // The sum of x^(2^k) 2^(k-1); x < 1.
  static f64 sigma(f64 x) {
    f64 factor = 1, sum = x, before = 0;
    do {
      x *= x;
      before = sum;
      sum += x * factor;
      factor += factor;
    } while (sum != before);
    return sum;
  }
  // A third of 1 - x - the sum of (1 - x^(2^-k))^2 2^-k.
  static f64 tau(f64 x) {
    if (x == 0 || x == 1) return 0;
    f64 factor = 1, sum = 1 - x, before = 0;
    do {
      x = __builtin_sqrt(x);
      before = sum;
      factor *= 0.5;
      sum -= (1 - x) * (1 - x) * factor;
    } while (sum != before);
    return sum / 3;
  }
};

}  // namespace gameflow::detail
