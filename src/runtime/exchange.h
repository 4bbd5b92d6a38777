// Records on their way to the shards of their keys.
//
// One worker places the records of a chunk: it adds them in order, then sorts them by shard. Each
// shard then takes its own from all chunks, in order of chunk. What an update needs of a record is
// copied out while it is in the cache: fetched from columns, record by record, it costs four cache
// misses each (update 390 to 210 ms per 2 M events).
//
// Threads  filled by one worker, then read by many.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "state/layout.h"
#include "window/assigner.h"

namespace gameflow::runtime {

class Exchange {
 public:
  struct Placed {
    std::uint64_t hash;
    const void* value;
    const char* key_data;
    std::uint32_t key_size;
    std::uint32_t window;  // number in windows()
    std::uint32_t record;  // in the chunk
    std::uint32_t number;  // among what left the chain: Delivery::emitted

    std::string_view key() const { return {key_data, key_size}; }
  };

  // `key` and `value` must stay until sort().
  void add(std::string_view key, window::Span window, const void* value, std::uint32_t record,
           std::uint32_t number);
  // After the last add().
  void sort();
  void clear();

  std::span<const Placed> shard(std::uint32_t number) const {
    return {by_shard_.data() + shard_begin_[number], by_shard_.data() + shard_begin_[number + 1]};
  }
  // Bit s: shard s has records.
  std::uint64_t shards() const { return shards_mask_; }
  // The windows that records fall into, each once.
  const std::vector<window::Span>& windows() const { return windows_; }
  std::size_t size() const { return placed_.size(); }

 private:
  std::uint32_t number_of(window::Span window);

  std::vector<Placed> placed_;  // as added
  std::vector<std::uint8_t> shards_;
  std::vector<window::Span> windows_;
  std::uint32_t last_window_ = 0;
  std::vector<Placed> by_shard_;
  std::vector<char> key_bytes_;  // of by_shard_, in its order
  std::uint32_t shard_begin_[state::kShards + 1] = {};
  std::uint64_t shards_mask_ = 0;
  static_assert(state::kShards == 64);
};

}  // namespace gameflow::runtime
