// How much of a service's input was late in the last minute, of steady time.
//
// Threads  one.
#pragma once

#include <array>
#include <cstdint>

#include "base/time.h"

namespace gameflow::runtime {

class LateMeter {
 public:
  struct Count {
    std::uint64_t records = 0, late = 0;
    double ratio() const {
      return records == 0 ? 0 : static_cast<double>(late) / static_cast<double>(records);
    }
  };

  // `now` is steady and never falls.
  void add(Duration now, std::uint64_t records, std::uint64_t late);
  Count last_minute(Duration now) const;
  // Whether a person should be told now: most of a minute's input was late, and nothing was said
  // for a minute.
  bool should_warn(Duration now);

 private:
  static constexpr std::int64_t kSlotMs = 5'000;
  static constexpr std::size_t kSlots = 12;
  struct Slot {
    std::int64_t number = -1;  // kSlotMs of steady time each
    Count count;
  };

  std::array<Slot, kSlots> slots_;
  Duration quiet_until_{0};
};

}  // namespace gameflow::runtime
