// How much memory the process may take, and how close to that it is.
//
// Two things can run out: memory itself, and address space where RLIMIT_AS bounds it (thread stacks
// and the heap's reserves take address space that is never memory). Whichever has less left counts.
// Close to the limit producers are refused, so that what they have sent can still be worked off;
// at it, the services whose state fills memory get no more input.
//
// Units    bytes.
// Threads  MemoryLimit: one at a time; it is pure. The functions: any.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"

namespace gameflow {

// What there is. Nothing: no such bound.
struct MemoryBounds {
  std::optional<std::uint64_t> machine, control_group, address_space;  // the last one: RLIMIT_AS

  // 80 % of the least: the rest is for what comes and goes, and for other programs.
  std::uint64_t default_max() const;
};
MemoryBounds read_memory_bounds(const std::string& root = "/");

struct MemoryUse {
  std::uint64_t resident = 0;
  // Without what is free inside the heap; counted only where `counts_address_space`.
  std::uint64_t address_space = 0;
};
MemoryUse read_memory_use(bool counts_address_space);

class MemoryLimit {
 public:
  enum class Level : std::uint8_t {
    kFine,
    kTight,  // no more from producers, until it is well below
    kFull,   // no more input for whose state it is, until it is well below
  };
  static constexpr int kTightPercent = 90, kFullPercent = 100;
  static constexpr int kBelowPercent = 95;  // of what began a level ends it
  // Once memory has run out, it counts as full for so long: what failed is not tried all the time.
  static constexpr Duration kRanOutTime{5'000};

  // `bytes_max` is cut to what the address space holds.
  MemoryLimit(std::uint64_t bytes_max, std::optional<std::uint64_t> address_space_max);

  // `steady`: a time that does not fall.
  Level observe(const MemoryUse& use, Duration steady);
  // An allocation failed, whatever the figures say.
  void ran_out(Duration steady);

  Level level() const { return level_; }
  std::uint64_t max() const { return max_; }
  // Of max(): what is left of whatever is scarcer is missing from it.
  std::uint64_t used() const { return used_; }
  std::uint64_t left() const { return max_ - std::min(max_, used_); }
  bool counts_address_space() const { return address_space_max_.has_value(); }

 private:
  const std::uint64_t max_;
  const std::optional<std::uint64_t> address_space_max_;  // that may be taken
  std::uint64_t used_ = 0;
  std::optional<Duration> full_until_;
  Level level_ = Level::kFine;
};

}  // namespace gameflow
