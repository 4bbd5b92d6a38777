// The watermark of a service: the event time up to which its input is taken to be complete.
//
// Each partition's own progress is the highest event time it has shown; the watermark is the
// minimum over the partitions that are not idle. A partition is idle once it has been silent for
// the idle time-out, measured from its last record (or from the start, before its first). When all
// are idle, time goes on by the clock: the watermark is the highest progress plus the time since
// the last record, so the last windows close when traffic stops.
//
// A record that does not tell the time, because it is broken or stamped more than `future_max`
// ahead of the clock, is silence: one bad clock neither closes anybody's windows nor holds them
// open. The watermark never goes back. Alternatives:
// docs/design/watermarks.md.
//
// Pure: `now` comes from the caller. Threads: one.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/time.h"

namespace gameflow::window {

class Watermark {
 public:
  struct Partition {
    std::optional<Timestamp> progress;  // nothing before its first record
    Timestamp heard_at;                 // when its last record that tells the time was read
  };

  Watermark(std::size_t partitions, Duration idle_timeout, Timestamp now);

  // The partition showed records that tell the time, the highest being `progress`.
  void observe(std::size_t partition, Timestamp progress, Timestamp now);

  // Moves the watermark as far as the partitions allow and returns it; never past `limit`.
  std::optional<Timestamp> advance(Timestamp now, Timestamp limit);
  // No more input will come.
  void finish();

  std::optional<Timestamp> value() const { return value_; }
  bool is_idle(std::size_t partition, Timestamp now) const;
  const std::vector<Partition>& partitions() const { return partitions_; }

  // What a restart brings back; silence is then measured from `now`.
  void restore(std::optional<Timestamp> value, std::vector<std::optional<Timestamp>> progress,
               Timestamp now);

 private:
  std::optional<Timestamp> candidate(Timestamp now) const;

  std::vector<Partition> partitions_;
  Duration idle_timeout_;
  std::optional<Timestamp> value_;
};

}  // namespace gameflow::window
