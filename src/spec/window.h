// Section `window` of a service: part of model.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "base/time_zone.h"
#include "spec/function.h"

namespace gameflow::spec {

enum class LatePolicy : std::uint8_t { kDrop, kToTopic };  // both count

// Windows of one length, one after the other.
struct Tumbling {
  Duration duration;  // > 0
  Duration offset;    // they start at multiples of the duration plus this
  // Then by the clocks there, where a window may be longer or shorter; null: UTC.
  std::shared_ptr<const TimeZone> zone = nullptr;
};
// Windows of one length, one every `slide` <= duration.
struct Sliding {
  Duration duration, slide;
  Duration offset;        // they start at multiples of the slide plus this
  bool in_panes = false;  // all columns say how rows merge, and no function is about whole windows
};
// Windows of one key each, as long as its records come within the gap.
struct Session {
  Duration gap;                 // > 0
  std::optional<Duration> max;  // a session takes no record so long after its first one
};
using WindowShape = std::variant<Tumbling, Sliding, Session>;

// Of a session what it may have at most, where that is known, else its gap.
Duration length_of(const WindowShape& shape);

struct Window {
  WindowShape shape;
  Duration grace;  // a window closes when the watermark reaches its end + grace
  // A partition silent for this long no longer holds the watermark back.
  Duration idle_timeout = {5'000};
  LatePolicy late = LatePolicy::kDrop;
  std::string late_topic;              // kToTopic only
  Duration reopen_for;                 // closed windows take late events so much longer; 0: none
  std::optional<Duration> emit_every;  // open windows that have changed give early results
  Function assign_timestamp = {FunctionKind::kAssignTimestamp, {}, {}};
  std::vector<Function> transforms;
  Function flush = {FunctionKind::kFlush, {}, {}};  // or kFlushEach
};

}  // namespace gameflow::spec
