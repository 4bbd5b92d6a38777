// The watermark of a service: the event time up to which its input is taken to be complete.
//
// Each partition's own progress is the highest event time it has shown, where an event counts for
// no more than the time at which its record was appended: a device whose clock is fast cannot make
// others late. The watermark is the minimum over the partitions that are not idle. A partition is
// idle once it has been silent for the idle time-out, measured from its last record (or from the
// start, before its first). When all are idle, event time goes on: the watermark is the highest
// progress plus the silence since then, so the last windows close when traffic stops.
//
// Silence is measured in *attention*: steady time during which the engine looked for records and
// found none. While the process stands still, or the clock is set, nobody is silent.
//
// A record that does not tell the time, because it is broken or stamped far ahead of the clock, is
// silence. The watermark never goes back. Alternatives: docs/design/watermarks.md.
//
// Pure: attention comes from the caller and never falls. Threads: one. Units: ms.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/time.h"

namespace gameflow::window {

// Past every window: the watermark at the end of bounded input.
inline constexpr Timestamp kEndOfTime{INT64_MAX / 2};

class Watermark {
 public:
  struct Partition {
    std::optional<Timestamp> progress;  // nothing before its first record
    Duration heard_at;  // attention when its last record that tells the time was read
  };

  Watermark(std::size_t partitions, Duration idle_timeout, Duration attention);

  // The partition showed records that tell the time, the highest being `progress`.
  void observe(std::size_t partition, Timestamp progress, Duration attention);

  // Moves the watermark as far as the partitions allow and returns it.
  std::optional<Timestamp> advance(Duration attention);
  // No more input will come.
  void finish();
  // Silence counts from now on: whatever was sent meanwhile could not be read.
  void forgive(Duration attention);
  void forgive(std::size_t partition, Duration attention);

  std::optional<Timestamp> value() const { return value_; }
  bool is_idle(std::size_t partition, Duration attention) const;
  const std::vector<Partition>& partitions() const { return partitions_; }

  // What a restart brings back; silence is then measured from `attention`.
  void restore(std::optional<Timestamp> value, std::vector<std::optional<Timestamp>> progress,
               Duration attention);

 private:
  std::optional<Timestamp> candidate(Duration attention) const;

  std::vector<Partition> partitions_;
  Duration idle_timeout_;
  std::optional<Timestamp> value_;
};

}  // namespace gameflow::window
