#include "window/watermark.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace gameflow::window {

Watermark::Watermark(std::size_t partitions, Duration idle_timeout, Duration attention)
    : partitions_(partitions, Partition{std::nullopt, attention}), idle_timeout_(idle_timeout) {}

void Watermark::observe(std::size_t partition, Timestamp progress, Duration attention) {
  Partition& seen = partitions_[partition];
  GF_CHECK(seen.heard_at <= attention);
  seen.heard_at = attention;
  seen.progress = std::max(seen.progress.value_or(progress), progress);
}

bool Watermark::is_idle(std::size_t partition, Duration attention) const {
  return attention - partitions_[partition].heard_at >= idle_timeout_;
}

std::optional<Timestamp> Watermark::candidate(Duration attention) const {
  std::optional<Timestamp> lowest, highest;
  Duration heard_last = attention - idle_timeout_;
  bool all_idle = true;
  for (std::size_t i = 0; i < partitions_.size(); ++i) {
    const Partition& partition = partitions_[i];
    if (!is_idle(i, attention)) {
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
  return *highest + (attention - heard_last);
}

std::optional<Timestamp> Watermark::advance(Duration attention) {
  const auto next = candidate(attention);
  if (next && (!value_ || *value_ < *next)) value_ = next;
  return value_;
}

void Watermark::finish() {
  value_ = kEndOfTime;
}

void Watermark::forgive(Duration attention) {
  for (std::size_t i = 0; i < partitions_.size(); ++i) forgive(i, attention);
}

void Watermark::forgive(std::size_t partition, Duration attention) {
  partitions_[partition].heard_at = attention;
}

void Watermark::restore(std::optional<Timestamp> value,
                        std::vector<std::optional<Timestamp>> progress, Duration attention) {
  GF_CHECK(progress.size() == partitions_.size());
  value_ = value;
  for (std::size_t i = 0; i < partitions_.size(); ++i) partitions_[i] = {progress[i], attention};
}

}  // namespace gameflow::window
