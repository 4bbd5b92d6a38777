// Event-time arithmetic of windows: which window an event belongs to and when that window closes.
//
// Pure: no I/O, no clock. Windows are half-open [start, end), aligned to the Unix epoch.
//
// Units    ms UTC.
#pragma once

#include "base/time.h"

namespace gameflow::window {

// Event times outside years 1 to 9999 are refused, so that no arithmetic here can overflow.
inline constexpr Timestamp kTimeMin{-62'135'596'800'000};
inline constexpr Timestamp kTimeMax{253'402'300'799'999};
// Past every window: the watermark at the end of bounded input.
inline constexpr Timestamp kEndOfTime{INT64_MAX / 2};

constexpr bool is_event_time(Timestamp time) {
  return kTimeMin <= time && time <= kTimeMax;
}

struct Tumbling {
  Duration size;   // > 0
  Duration grace;  // >= 0

  // The start of the window that holds `time`.
  constexpr Timestamp start_of(Timestamp time) const {
    const std::int64_t into = time.ms % size.ms;
    return {time.ms - (into < 0 ? into + size.ms : into)};
  }
  constexpr Timestamp end_of(Timestamp start) const { return start + size; }
  // Where the first window starts that the watermark has not closed: a window is closed when the
  // watermark reaches its end plus the grace period.
  constexpr Timestamp open_from(Timestamp watermark) const { return start_of(watermark - grace); }
};

}  // namespace gameflow::window
