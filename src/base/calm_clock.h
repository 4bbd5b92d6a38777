// A clock that a step of the system's clock does not move at once.
//
// Clocks are set: by people, by NTP after a boot, by a virtual machine that wakes up, mostly by
// mistake and back again. Between two looks this clock goes by steady time. Where the source then
// says something else:
//   up to 1 s   is followed: clocks drift.
//   more        is a step. It is noticed, and taken over once it has lasted `adopt_…_after` of
//               steady time; if it goes away before that, nothing has happened.
// So now() may fall: by up to 1 s, or when a step back is taken over.
//
// Threads  now() and steady() may be called from any thread; `tell` runs on the caller's.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "base/time.h"

namespace gameflow {

struct CalmClockOptions {
  Duration adopt_forward_after{60'000}, adopt_backward_after{60'000};
  // What it says when it is made; nothing: what the source says then. Where the source says
  // something else, that is a step already.
  std::optional<Timestamp> start = std::nullopt;
};

class CalmClock final : public Clock {
 public:
  // Hears of each step, and of each that is taken over: a sentence for the log.
  using Tell = std::function<void(const std::string&)>;

  // `source` outlives it.
  explicit CalmClock(const Clock& source, const CalmClockOptions& options = {},
                     Tell tell = nullptr);

  Timestamp now() const override;
  Duration steady() const override { return source_.steady(); }

 private:
  struct Step {
    Duration by;     // as it was seen last
    Duration since;  // steady time at which it was noticed
  };
  Timestamp look(std::string& told) const;

  const Clock& source_;
  const CalmClockOptions options_;
  const Tell tell_;
  mutable Mutex mutex_;
  // What this clock would have said when steady() was 0.
  mutable Timestamp at_zero_ GF_GUARDED_BY(mutex_);
  // Noticed, and not taken over.
  mutable std::optional<Step> step_ GF_GUARDED_BY(mutex_);
};

}  // namespace gameflow
