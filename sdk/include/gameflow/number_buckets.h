// The buckets of Quantiles: what numbers they count, and how they are joined. Not for operators.
#pragma once

#include <algorithm>

#include <gameflow/types.h>

namespace gameflow::detail {

// In front of the bytes of Quantiles.
struct NumberHead {
  u8 kind = 'Q';
  u8 level = 0;  // how often buckets were joined
  u8 zero[2] = {};
  u32 accuracy = 0;
  f64 min = 0, max = 0;
};
static_assert(sizeof(NumberHead) == 24);

// A bucket is its place, 21 bits, in order of the numbers, and how many numbers are in it.
struct NumberBuckets {
  using Item = u64;
  static constexpr int kCountBits = 43;
  static constexpr u64 kCountMax = (u64{1} << kCountBits) - 1;
  static u64 place_of(u64 bucket) { return bucket >> kCountBits; }
  static u64 joined(u64 a, u64 b) {
    const u64 count = (a & kCountMax) + (b & kCountMax);
    return place_of(a) << kCountBits | std::min(count, kCountMax);
  }
};

// The place of zero, and how far from it that of 1 is: all magnitudes, of 10^-324 to 10^308, have
// room on both sides.
inline constexpr i32 kZeroPlace = 1 << 20, kOnePlace = 400'000;

// The bounds of buckets at a level.
struct NumberScale {
  NumberScale(u32 accuracy, u8 at_level)
      : log_base(__builtin_log1p(2.0 * accuracy / (1e6 - accuracy))), level(at_level) {}

  u64 place_of(f64 number) const {
    if (number == 0) return kZeroPlace;
    const auto power =
        static_cast<i32>(__builtin_ceil(__builtin_log(number < 0 ? -number : number) / log_base));
    const i32 distance = kOnePlace + joined(power, level);
    return static_cast<u64>(number < 0 ? kZeroPlace - distance : kZeroPlace + distance);
  }
  f64 number_at(u64 place) const {
    const i32 distance = static_cast<i32>(place) - kZeroPlace;
    if (distance == 0) return 0;
    const i32 power = (distance < 0 ? -distance : distance) - kOnePlace;
    const f64 log = log_base * static_cast<f64>(u64{1} << level);
    // 2 base^power / (base + 1), which may fit where base^power does not.
    const f64 magnitude = __builtin_exp(power * log - __builtin_log((__builtin_exp(log) + 1) / 2));
    return distance < 0 ? -magnitude : magnitude;
  }
  // The power of the bucket that a bucket is in `levels` above.
  static i32 joined(i32 power, u8 levels) { return (power + (1 << levels) - 1) >> levels; }

  f64 log_base;
  u8 level;
};

// The place that a bucket has so many levels above.
inline u64 joined_place(u64 place, u8 levels) {
  const i32 distance = static_cast<i32>(place) - kZeroPlace;
  if (distance == 0) return place;
  const i32 power = NumberScale::joined((distance < 0 ? -distance : distance) - kOnePlace, levels);
  const i32 joined = kOnePlace + power;
  return static_cast<u64>(distance < 0 ? kZeroPlace - joined : kZeroPlace + joined);
}
// Joins neighbours, so many times; how many buckets are left.
inline u32 raise_level(u64* buckets, u32 count, u8 levels) {
  u32 kept = 0;
  for (u32 i = 0; i < count; ++i) {
    const u64 place = joined_place(NumberBuckets::place_of(buckets[i]), levels);
    const u64 bucket = place << NumberBuckets::kCountBits | (buckets[i] & NumberBuckets::kCountMax);
    if (kept != 0 && NumberBuckets::place_of(buckets[kept - 1]) == place) {
      buckets[kept - 1] = NumberBuckets::joined(buckets[kept - 1], bucket);
    } else {
      buckets[kept++] = bucket;
    }
  }
  return kept;
}

// The number at place q (total - 1) of all in order.
inline f64 quantile_of(const NumberHead& head, const u64* buckets, u32 count, u64 total, f64 q) {
  if (total == 0) return __builtin_nan("");
  const auto rank = static_cast<u64>(q * static_cast<f64>(total - 1));
  if (rank == 0) return head.min;
  if (rank >= total - 1) return head.max;
  u64 passed = 0;
  for (u32 i = 0; i < count; ++i) {
    passed += buckets[i] & NumberBuckets::kCountMax;
    if (passed <= rank) continue;
    const NumberScale scale(head.accuracy, head.level);
    const f64 number = scale.number_at(NumberBuckets::place_of(buckets[i]));
    return std::min(std::max(number, head.min), head.max);
  }
  return head.max;
}

}  // namespace gameflow::detail
