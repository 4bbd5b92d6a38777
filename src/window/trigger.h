// Which windows give a result, and why.
//
// A window closes, once, when the watermark reaches its end plus the grace period: so all that is
// to be known of closed windows is one time, `closed_until`. A window is closed exactly when it
// ends at or before it. Its rows stay for `reopen_for` longer, and take late records; then they are
// gone, of which `gone_until` says the same.
//
// Pure: no I/O, no clock. Units: ms UTC.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "window/assigner.h"

namespace gameflow::window {

// Why a window gives a result: as gameflow::Window::Kind.
enum class Kind : std::uint8_t {
  kFinal,      // it has closed
  kEarly,      // it is open, and has changed
  kCorrected,  // it had closed, and late records have changed it
};

// Where a service stands. Neither falls, also where the rules have become others: what was closed
// stays closed, what is gone does not come back.
struct Closed {
  std::optional<Timestamp> until, gone_until;
  friend bool operator==(const Closed&, const Closed&) = default;
};

constexpr bool has_passed(std::optional<Timestamp> until, Timestamp end) {
  return until && end <= *until;
}

class Trigger {
 public:
  explicit constexpr Trigger(Duration grace, Duration reopen_for = {})
      : grace_(grace), reopen_for_(reopen_for) {}

  // After the watermark has come to `watermark`.
  constexpr Closed advance(Closed before, std::optional<Timestamp> watermark) const {
    Closed after = before;
    if (watermark) after.until = std::max(before.until, std::optional(*watermark - grace_));
    if (after.until)
      after.gone_until = std::max(before.gone_until, std::optional(*after.until - reopen_for_));
    return after;
  }

  // Whether rows of closed windows change.
  constexpr bool reopens() const { return reopen_for_.ms != 0; }

 private:
  Duration grace_, reopen_for_;
};

}  // namespace gameflow::window
