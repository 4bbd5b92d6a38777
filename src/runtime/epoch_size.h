// How much input an epoch takes: of a backlog, as much as is worked off in about half a second, if
// what is made of it meanwhile is not too large. Nothing comes out of an epoch, and no query sees
// more rows, before its end; and all that is made of its input is in memory until then.
//
// Threads  one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace gameflow::runtime {

class EpochSize {
 public:
  static constexpr double kSeconds = 0.5;
  static constexpr std::uint64_t kMadeBytes = 128U << 20;
  static constexpr std::size_t kLeastBytes = 1U << 20, kFirstBytes = 8U << 20;

  // Never more than `bytes_max`.
  explicit EpochSize(std::size_t bytes_max)
      : bytes_max_(bytes_max), bytes_(std::min(bytes_max, kFirstBytes)) {}

  // For the next epoch.
  std::size_t bytes() const { return bytes_; }

  // An epoch had so many bytes of input, of which so many were made, and took so long. What a small
  // one took is no measure, unless it was too much. At most twice or half as much as before
  // follows: one may have waited for a disk.
  void note(std::size_t bytes, std::uint64_t made_bytes, double seconds) {
    const double part =
        std::max({seconds / kSeconds, static_cast<double>(made_bytes) / kMadeBytes, 1e-6});
    if (bytes < bytes_ / 2 && part < 1) return;
    const double wanted = static_cast<double>(bytes) / part;
    const double most = static_cast<double>(bytes_) * 2;
    bytes_ = std::max(static_cast<std::size_t>(std::min(wanted, most)), bytes_ / 2);
    bytes_ = std::clamp(bytes_, std::min(kLeastBytes, bytes_max_), bytes_max_);
  }

 private:
  const std::size_t bytes_max_;
  std::size_t bytes_;
};

}  // namespace gameflow::runtime
