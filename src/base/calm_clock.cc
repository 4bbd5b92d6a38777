#include "base/calm_clock.h"

#include <cstdlib>
#include <utility>

#include <fmt/format.h>

namespace gameflow {
namespace {

constexpr std::int64_t kFollowedMs = 1'000;

bool is_small(Duration difference) {
  return std::abs(difference.ms) <= kFollowedMs;
}

}  // namespace

CalmClock::CalmClock(const Clock& source, const CalmClockOptions& options, Tell tell)
    : source_(source),
      options_(options),
      tell_(std::move(tell)),
      at_zero_(options_.start.value_or(source.now()) - source.steady()) {
  (void)now();  // a step that is there from the start lasts from now on
}

Timestamp CalmClock::now() const {
  std::string told;
  const Timestamp time = look(told);
  if (!told.empty() && tell_) tell_(told);
  return time;
}

Timestamp CalmClock::look(std::string& told) const {
  const MutexLock lock(mutex_);
  const Duration steady = source_.steady();
  const Timestamp said = source_.now(), expected = at_zero_ + steady;
  const Duration difference = said - expected;
  if (is_small(difference)) {
    at_zero_ = said - steady;
    step_.reset();
    return said;
  }
  const Duration adopt_after =
      difference.ms > 0 ? options_.adopt_forward_after : options_.adopt_backward_after;
  if (!step_ || !is_small(difference - step_->by)) {
    step_ = {difference, steady};
    told = fmt::format(
        "the system's clock was set from {} to {}: this counts once it has lasted {}",
        format_timestamp(expected), format_timestamp(said), format_duration(adopt_after));
  }
  step_->by = difference;
  if (steady - step_->since < adopt_after) return expected;
  told = fmt::format("the system's clock stays as it was set: the time goes from {} to {}",
                     format_timestamp(expected), format_timestamp(said));
  at_zero_ = said - steady;
  step_.reset();
  return said;
}

}  // namespace gameflow
