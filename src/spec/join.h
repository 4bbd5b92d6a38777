// Section `join` of a service: part of model.h.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "spec/code.h"
#include "spec/diagnostic.h"
#include "spec/function.h"
#include "spec/window.h"

namespace gameflow::spec {

// Of each left event with the right ones of its key that are near in time.
enum class JoinType : std::uint8_t {
  kInner,
  kLeft,  // a left event without any gives a result, too
};

struct JoinSide {
  Function assign_timestamp = {FunctionKind::kAssignTimestamp, {}, {}};
  Function assign_key = {FunctionKind::kAssignKey, {}, {}};
};

// A left event at t meets the right ones of its key in [t - before, t + after].
struct Join {
  Position position;
  JoinSide left, right;
  Duration before, after;
  JoinType type = JoinType::kInner;
  Duration grace;  // what a left event meets is known when the watermark passes t + after + grace
  Duration idle_timeout = {5'000};  // as that of a window
  LatePolicy late = LatePolicy::kDrop;
  std::string late_topic;  // kToTopic only
  Function run = {FunctionKind::kJoin, {}, {}};
};

}  // namespace gameflow::spec
