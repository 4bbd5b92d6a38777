// Which windows the watermark has closed.
//
// A window is closed, once, when the watermark reaches its end plus the grace period: so all that
// is to be known of closed windows is one time, `closed_until`. A window is closed exactly when it
// ends at or before it.
//
// Pure: no I/O, no clock. Units: ms UTC.
#pragma once

#include <algorithm>
#include <optional>

#include "base/time.h"
#include "window/assigner.h"

namespace gameflow::window {

class Trigger {
 public:
  explicit constexpr Trigger(Duration grace) : grace_(grace) {}

  // `closed_until` after the watermark has come to `watermark`. It never falls, also where the
  // grace period has become longer: what was closed stays closed.
  constexpr std::optional<Timestamp> advance(std::optional<Timestamp> closed_until,
                                             std::optional<Timestamp> watermark) const {
    if (!watermark) return closed_until;
    const Timestamp reached = *watermark - grace_;
    return closed_until ? std::max(*closed_until, reached) : reached;
  }

  static constexpr bool is_closed(Span span, std::optional<Timestamp> closed_until) {
    return closed_until && span.end <= *closed_until;
  }

 private:
  Duration grace_;
};

}  // namespace gameflow::window
