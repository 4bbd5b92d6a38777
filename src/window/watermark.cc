#include "window/watermark.h"

#include <algorithm>
#include <utility>

#include "window/window.h"

namespace gameflow::window {

Watermark::Watermark(std::size_t partitions, Duration idle_timeout, Timestamp now)
    : partitions_(partitions, Partition{std::nullopt, now}), idle_timeout_(idle_timeout) {}

void Watermark::observe(std::size_t partition, Timestamp progress, Timestamp now) {
  Partition& seen = partitions_[partition];
  seen.heard_at = now;
  seen.progress = std::max(seen.progress.value_or(progress), progress);
}

bool Watermark::is_idle(std::size_t partition, Timestamp now) const {
  return now - partitions_[partition].heard_at >= idle_timeout_;
}

std::optional<Timestamp> Watermark::candidate(Timestamp now) const {
  std::optional<Timestamp> lowest, highest;
  Timestamp heard_last = now - idle_timeout_;
  bool all_idle = true;
  for (std::size_t i = 0; i < partitions_.size(); ++i) {
    const Partition& partition = partitions_[i];
    if (!is_idle(i, now)) {
      all_idle = false;
      if (!partition.progress) return std::nullopt;  // it may still show anything
      lowest = std::min(lowest.value_or(*partition.progress), *partition.progress);
    }
    if (partition.progress && (!highest || *highest <= *partition.progress)) {
      heard_last = highest == partition.progress ? std::max(heard_last, partition.heard_at)
                                                 : partition.heard_at;
      highest = partition.progress;
    }
  }
  if (!all_idle) return lowest;
  if (!highest) return std::nullopt;
  return *highest + (now - heard_last);
}

std::optional<Timestamp> Watermark::advance(Timestamp now, Timestamp limit) {
  if (const auto next = candidate(now)) {
    const Timestamp bounded = std::min(*next, limit);
    if (!value_ || *value_ < bounded) value_ = bounded;
  }
  return value_;
}

void Watermark::finish() {
  value_ = kEndOfTime;
}

void Watermark::restore(std::optional<Timestamp> value,
                        std::vector<std::optional<Timestamp>> progress, Timestamp now) {
  value_ = value;
  for (std::size_t i = 0; i < partitions_.size(); ++i) partitions_[i] = {progress[i], now};
}

}  // namespace gameflow::window
