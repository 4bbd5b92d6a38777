// How long to wait before the next attempt: docs/design/connectors.md.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace gameflow::connect {

class Backoff {
 public:
  using milliseconds = std::chrono::milliseconds;
  static constexpr milliseconds kFirst{100}, kMax{30'000};
  // Who asks for more gets this.
  static constexpr milliseconds kAskedMax{3'600'000};

  explicit Backoff(std::uint64_t seed) : random_(seed) {}

  // Half of the pause at least, so that failures in a row become rarer; the rest is random, so that
  // those who failed together do not come back together. Not less than `asked`.
  milliseconds next(milliseconds asked = {}) {
    std::uniform_int_distribution<std::int64_t> part(pause_.count() / 2, pause_.count());
    const milliseconds chosen{part(random_)};
    pause_ = std::min(pause_ * 2, kMax);
    return std::max(chosen, std::min(asked, kAskedMax));
  }
  // After a success.
  void reset() { pause_ = kFirst; }

 private:
  std::mt19937_64 random_;
  milliseconds pause_ = kFirst;
};

}  // namespace gameflow::connect
