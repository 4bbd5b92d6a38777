// A small random number generator that gives the same stream on every machine and compiler, which
// the distributions of <random> do not promise.
#pragma once

#include <cstdint>

#include "generate/portable_math.h"

namespace gameflow::generate {

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection, so distinct inputs give
// distinct outputs.
constexpr std::uint64_t mix64(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

// SplitMix64: one addition and one mix64 a number; passes BigCrush.
class Random {
 public:
  explicit constexpr Random(std::uint64_t seed) : state_(seed) {}

  constexpr std::uint64_t next() { return mix64(state_ += 0x9e3779b97f4a7c15U); }

  // Uniform in [0, bound), bound in [1, 2^32). The multiplication's bias is below 2^-32 * bound.
  constexpr std::uint32_t below(std::uint32_t bound) { return scale(next() >> 32U, bound); }

  // In [0, bound), small numbers more often: the lesser of two uniform draws.
  constexpr std::uint32_t mostly_small(std::uint32_t bound) {
    const std::uint64_t bits = next();
    const std::uint64_t a = bits >> 32U, b = bits & 0xffffffffU;
    return scale(a < b ? a : b, bound);
  }

  // Uniform in [0, 1).
  constexpr double unit() { return static_cast<double>(next() >> 11U) * 0x1p-53; }
  constexpr double between(double low, double high) { return low + (high - low) * unit(); }
  constexpr bool likely(double probability) { return unit() < probability; }
  // Of mean 1.
  double exponential() { return -log_of(1 - unit()); }
  // Of mean 0 and deviation 1, never beyond 3.5: the sum of four uniform ones.
  constexpr double normal() { return (unit() + unit() + unit() + unit() - 2) * 1.7320508075688772; }

  // True `percent` times in a hundred.
  constexpr bool chance(std::uint32_t percent) { return below(100) < percent; }

 private:
  static constexpr std::uint32_t scale(std::uint64_t bits32, std::uint32_t bound) {
    return static_cast<std::uint32_t>((bits32 * bound) >> 32U);
  }

  std::uint64_t state_;
};

}  // namespace gameflow::generate
