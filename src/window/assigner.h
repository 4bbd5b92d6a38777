// Which windows an event time belongs to, and in which panes their rows are kept.
//
// Windows are half-open [start, end). Rows are kept in *panes*: a record goes to the panes that
// hold its time, and a window is what its panes hold together. A tumbling window is one pane. A
// sliding window is many where rows can be merged (a record goes to one pane, which is part of many
// windows), else one of its own (a record goes to many). Nothing above knows which it is.
//
// Pure: no I/O, no clock. Units: ms UTC. Threads: immutable.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <numeric>
#include <utility>

#include "base/time.h"
#include "base/time_zone.h"

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
  constexpr bool contains(Timestamp time) const { return start <= time && time < end; }
};

// All of time: it never closes.
inline constexpr Span kAlways{{0}, {INT64_MAX}};

class Assigner {
 public:
  using Zone = std::shared_ptr<const TimeZone>;

  // One window for all of time.
  static Assigner always() { return Assigner(); }
  // One pane for all of time, in which the records of a key are in sessions (state/sessions.h).
  static Assigner sessions() {
    Assigner assigner;
    assigner.has_sessions_ = true;
    return assigner;
  }
  // Windows of `size` > 0, one after the other, that start at multiples of it plus `offset`: since
  // 1970, UTC; with a zone, of the time that clocks show there.
  static Assigner tumbling(Duration size, Duration offset = {}, Zone zone = nullptr);
  // Windows of `size`, one every `slide` <= size, at multiples of that plus `offset`. `in_panes`:
  // rows of panes are merged.
  static Assigner sliding(Duration size, Duration slide, Duration offset, bool in_panes);

  bool is_always() const { return size_.ms == 0; }
  bool has_sessions() const { return has_sessions_; }
  // Whether a window is more than one pane.
  bool is_merged() const { return pane_ < size_; }
  // Whether a record goes to more than one pane.
  bool is_copied() const { return step_ < pane_; }
  // How many panes a window has at most, or a record goes to.
  std::int64_t panes_max() const {
    return is_always() ? 1 : (std::max(size_, pane_).ms + step_.ms - 1) / step_.ms;
  }

  // Calls visit(pane) for those that hold `time`, an event time, in order. They are the same for
  // all times in the result.
  template <class Visit>
  Span for_each_pane(Timestamp time, Visit&& visit) const;
  // The pane that starts at `start`: a start that for_each_pane() gave.
  Span pane_from(Timestamp start) const;
  // Panes in a row have numbers in a row, as have windows.
  std::int64_t pane_number(Timestamp start) const { return number(start, step_); }
  std::int64_t window_number(Timestamp start) const { return number(start, slide_); }

  // Calls visit(window) for those that the pane is part of, in order.
  template <class Visit>
  void for_each_window(Span pane, Visit&& visit) const;
  // Of the first and the last of them.
  Timestamp first_end(Span pane) const {
    return is_merged() ? first_window(pane) + size_ : pane.end;
  }
  Timestamp last_end(Span pane) const {
    return is_merged() ? floor(pane.start, slide_) + size_ : pane.end;
  }
  Span window_from(Timestamp start) const {
    return is_merged() ? Span{start, start + size_} : pane_from(start);
  }

  friend bool operator==(const Assigner&, const Assigner&) = default;

 private:
  Assigner() = default;

  // The last multiple of `step`, plus the offset, that is not behind `time`.
  Timestamp floor(Timestamp time, Duration step) const {
    const std::int64_t into = (time - offset_).ms % step.ms;
    return {time.ms - (into < 0 ? into + step.ms : into)};
  }
  std::int64_t number(Timestamp start, Duration step) const;
  Timestamp first_window(Span pane) const {
    return floor({pane.end.ms - size_.ms + slide_.ms - 1}, slide_);
  }
  std::int64_t local_number(Timestamp utc) const {
    return floor(utc + zone_->offset_at(utc), size_).ms;
  }
  Span local_pane(Timestamp time) const;

  Duration size_;   // of a window; 0: all of time
  Duration slide_;  // between the starts of two windows
  Duration pane_;   // the length of one
  Duration step_;   // between the starts of two panes
  Duration offset_;
  Zone zone_;  // null: UTC; else a window is a pane, and as long as clocks there say
  bool has_sessions_ = false;
};

template <class Visit>
Span Assigner::for_each_pane(Timestamp time, Visit&& visit) const {
  if (is_always()) {
    visit(kAlways);
    return kAlways;
  }
  if (zone_ != nullptr) {
    const Span pane = local_pane(time);
    visit(pane);
    return pane;
  }
  const Timestamp last = floor(time, step_);
  // The first that has not ended: all behind it hold the time.
  const Timestamp first = floor({time.ms - pane_.ms + step_.ms}, step_);
  for (Timestamp start = first; start <= last; start = start + step_)
    visit(Span{start, start + pane_});
  return {std::max(last, first - step_ + pane_), std::min(first + pane_, last + step_)};
}

template <class Visit>
void Assigner::for_each_window(Span pane, Visit&& visit) const {
  if (!is_merged()) return visit(pane);
  for (Timestamp start = first_window(pane); start <= pane.start; start = start + slide_)
    visit(Span{start, start + size_});
}

inline Span Assigner::pane_from(Timestamp start) const {
  if (is_always()) return kAlways;
  return {start, zone_ == nullptr ? start + pane_ : local_pane(start).end};
}

inline std::int64_t Assigner::number(Timestamp start, Duration step) const {
  if (is_always()) return 0;
  if (zone_ != nullptr) return (Timestamp{local_number(start)} - offset_).ms / size_.ms;
  return (start - offset_).ms / step.ms;
}

// Where clocks are put back across the start of a window, the next one has begun already.
inline Span Assigner::local_pane(Timestamp time) const {
  Timestamp local{local_number(time)};
  Span pane{zone_->first_at(local), zone_->first_at(local + size_)};
  while (pane.end <= time) {
    local = local + size_;
    pane = {pane.end, zone_->first_at(local + size_)};
  }
  return pane;
}

inline Assigner Assigner::tumbling(Duration size, Duration offset, Zone zone) {
  Assigner assigner;
  assigner.size_ = assigner.slide_ = assigner.pane_ = assigner.step_ = size;
  assigner.offset_ = {offset.ms % size.ms};
  assigner.zone_ = std::move(zone);
  return assigner;
}

inline Assigner Assigner::sliding(Duration size, Duration slide, Duration offset, bool in_panes) {
  Assigner assigner;
  assigner.size_ = size;
  assigner.slide_ = slide;
  assigner.offset_ = {offset.ms % slide.ms};
  assigner.pane_ = in_panes ? Duration{std::gcd(size.ms, slide.ms)} : size;
  assigner.step_ = in_panes ? assigner.pane_ : slide;
  return assigner;
}

}  // namespace gameflow::window
