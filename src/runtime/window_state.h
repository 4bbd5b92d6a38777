// One open (or the last closed) window of a service: its shards, and how they are stored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

#include "base/time.h"
#include "state/keyed_shard.h"

namespace gameflow::runtime {

struct WindowState {
  explicit WindowState(Timestamp window_start) : start(window_start) {}

  Timestamp start;
  // Made by the worker that owns the shard, when its first record comes.
  std::unique_ptr<state::KeyedShard> shards[state::kShards];

  // Segments in the store: number of the next one, how many there are, and their bytes since the
  // last full one.
  std::uint64_t segment_next = 0;
  std::uint64_t segment_count = 0;
  std::uint64_t bytes_since_full = 0;
  std::uint64_t bytes_full = 0;

  state::KeyedShard& shard(std::uint32_t number, const state::Layout& layout) {
    if (shards[number] == nullptr) shards[number] = std::make_unique<state::KeyedShard>(layout);
    return *shards[number];
  }

  std::size_t bytes() const {
    std::size_t bytes = 0;
    for (const auto& shard : shards) bytes += shard == nullptr ? 0 : shard->bytes();
    return bytes;
  }

  template <class Visit>
  void for_each_entry(Visit&& visit) const {
    for (const auto& shard : shards) {
      if (shard != nullptr) shard->for_each(visit);
    }
  }
};

using Windows = std::map<Timestamp, std::unique_ptr<WindowState>>;

}  // namespace gameflow::runtime
