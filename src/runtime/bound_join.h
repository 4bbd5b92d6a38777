// The join of a service, bound to a store and a library: part of service.h.
//
// Each left event at t has a window of its own, [t - before, t + after]: what it meets is decided
// when the watermark passes t + after + grace, as any window closes. A right event is late when all
// windows that it can be in have closed.
//
// Threads  immutable once bound.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <gameflow/pairs.h>

#include "base/time.h"
#include "log/store.h"
#include "plan/functions.h"
#include "plan/join.h"
#include "record/type.h"
#include "window/assigner.h"
#include "window/trigger.h"

namespace gameflow::runtime {

enum class Side : std::uint8_t { kLeft, kRight };

// A topic to write to.
struct Target {
  log::TopicId id;
  std::uint32_t partitions = 1;
};

struct BoundJoin {
  const plan::Join* plan;
  abi::JoinFn function;
  std::size_t first;                        // number of the first step
  std::vector<std::string_view> operators;  // the name of each step, for dead letters
  plan::Functions::Sides sides;             // of the events
  window::Assigner assigner;  // to the buckets in which events are kept, and go as a whole
  window::Trigger trigger;
  std::optional<Target> late;

  // About 32 buckets hold what is kept.
  static Duration bucket_size(const plan::Join& join) {
    return {std::clamp<std::int64_t>((join.before + join.after).ms / 32, 1'000, 3'600'000)};
  }

  const record::Type& type_of(Side side) const {
    return side == Side::kLeft ? *sides.left : *sides.right;
  }
  bool finds_lone() const { return plan->type == plan::JoinType::kLeft; }
  window::Span bucket_of(Timestamp time) const {
    window::Span bucket{};
    assigner.for_each_pane(time, [&bucket](window::Span pane) { bucket = pane; });
    return bucket;
  }
  // When the windows that an event is in have closed.
  Timestamp end_of(Side side, Timestamp time) const {
    return time + (side == Side::kLeft ? plan->after : plan->before + plan->after) + Duration{1};
  }
  // Once windows have closed `until` here: what is earlier can meet nothing any more.
  Timestamp kept_from(Timestamp until) const { return until - plan->before - plan->after; }
  // The times of left events whose windows close between these: after < time <= until.
  struct Times {
    std::optional<Timestamp> after;
    Timestamp until;
  };
  Times decided(std::optional<Timestamp> before, Timestamp until) const {
    const auto last = [this](Timestamp end) { return end - plan->after - Duration{1}; };
    return {before ? std::optional(last(*before)) : std::nullopt, last(until)};
  }
};

}  // namespace gameflow::runtime
