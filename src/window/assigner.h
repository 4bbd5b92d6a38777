// Which window an event time belongs to.
//
// Windows are half-open [start, end). Tumbling windows are aligned to the Unix epoch; other kinds
// of windows come behind this interface, and nothing above knows which it is.
//
// Pure: no I/O, no clock. Units: ms UTC.
#pragma once

#include "base/time.h"

namespace gameflow::window {

// Event times outside years 1 to 9999 are refused, so that no arithmetic here can overflow.
inline constexpr Timestamp kTimeMin{-62'135'596'800'000};
inline constexpr Timestamp kTimeMax{253'402'300'799'999};

constexpr bool is_event_time(Timestamp time) {
  return kTimeMin <= time && time <= kTimeMax;
}

struct Span {
  Timestamp start, end;
  friend constexpr auto operator<=>(Span, Span) = default;
};

// All of time: it never closes.
inline constexpr Span kAlways{{0}, {INT64_MAX}};

class Assigner {
 public:
  // Tumbling windows of `size` > 0.
  explicit constexpr Assigner(Duration size) : size_(size) {}
  // One window for all of time.
  static constexpr Assigner always() { return Assigner(kAlwaysSize); }
  constexpr bool is_always() const { return size_ == kAlwaysSize; }

  // The window that holds `time`, an event time.
  constexpr Span span_of(Timestamp time) const {
    if (is_always()) return kAlways;
    const std::int64_t into = time.ms % size_.ms;
    return span_from({time.ms - (into < 0 ? into + size_.ms : into)});
  }
  // The window that starts at `start`: a start that span_of() gave.
  constexpr Span span_from(Timestamp start) const {
    return is_always() ? kAlways : Span{start, start + size_};
  }
  // Windows in a row have numbers in a row.
  constexpr std::int64_t number_of(Span span) const { return span.start.ms / size_.ms; }

  // Negative: all of time.
  constexpr Duration size() const { return size_; }

 private:
  static constexpr Duration kAlwaysSize{-1};
  Duration size_;
};

}  // namespace gameflow::window
