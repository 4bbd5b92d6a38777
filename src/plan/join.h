// The node that puts two streams together: part of graph.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "plan/keyed.h"
#include "spec/model.h"

namespace gameflow::plan {

using JoinType = spec::JoinType;

// A left event at t meets the right ones of its key in [t - before, t + after]. Its inputs, by way
// of the exchange: first the left side, then the right one.
struct Join {
  std::string left, right;  // names of the topics
  Duration before, after;
  JoinType type = JoinType::kInner;
  Duration grace;         // what a left event meets is known when the watermark passes t + after +
                          // grace
  Duration idle_timeout;  // as that of a window
  std::optional<TopicId> late_topic;
  std::string function;  // "SERVICE/join"
  // The join's own, then what is done with what it makes. RecordError::step is an index in them.
  std::vector<Step> steps;

  // "events of 'purchases' and 'clicks', joined within 30m before and 5s after": what is stored
  // says it too, as events that are kept for one span, or side, cannot be taken over by another.
  std::string events() const;
};

}  // namespace gameflow::plan
