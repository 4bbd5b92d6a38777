#include "runtime/exchange.h"

#include <algorithm>
#include <utility>

namespace gameflow::runtime {

// Events come nearly in order: the window is mostly that of the record before, and there are few.
std::uint32_t Exchange::number_of(window::Span window) {
  if (last_window_ < windows_.size() && windows_[last_window_] == window) return last_window_;
  const auto known = std::ranges::find(windows_, window);
  last_window_ = static_cast<std::uint32_t>(known - windows_.begin());
  if (known == windows_.end()) windows_.push_back(window);
  return last_window_;
}

void Exchange::add(std::string_view key, window::Span window, const void* value,
                   std::uint32_t record, std::uint32_t number) {
  const std::uint64_t hash = state::hash_key(key);
  placed_.push_back(
      {hash, value, key.data(), static_cast<std::uint32_t>(key.size()), number_of(window), record,
       number});
  shards_.push_back(static_cast<std::uint8_t>(state::shard_of(hash)));
}

// Counting sort; within a shard records stay in order.
void Exchange::sort() {
  struct Place {
    std::uint32_t record = 0, key = 0;  // numbers in by_shard_ and key_bytes_
  };
  Place next[state::kShards];
  for (std::size_t i = 0; i < placed_.size(); ++i) {
    ++next[shards_[i]].record;
    next[shards_[i]].key += placed_[i].key_size;
  }
  Place begin;
  for (std::uint32_t shard = 0; shard < state::kShards; ++shard) {
    const Place counts = std::exchange(next[shard], begin);
    if (counts.record != 0) shards_mask_ |= std::uint64_t{1} << shard;
    shard_begin_[shard] = begin.record;
    begin.record += counts.record;
    begin.key += counts.key;
  }
  shard_begin_[state::kShards] = begin.record;
  by_shard_.resize(begin.record);
  key_bytes_.resize(begin.key);
  for (std::size_t i = 0; i < placed_.size(); ++i) {
    Place& at = next[shards_[i]];
    Placed& placed = by_shard_[at.record++] = placed_[i];
    char* const bytes = key_bytes_.data() + at.key;
    placed.key().copy(bytes, placed.key_size);
    placed.key_data = bytes;
    at.key += placed.key_size;
  }
}

void Exchange::clear() {
  placed_.clear();
  shards_.clear();
  windows_.clear();
  by_shard_.clear();
  std::ranges::fill(shard_begin_, 0U);
  shards_mask_ = 0;
}

}  // namespace gameflow::runtime
