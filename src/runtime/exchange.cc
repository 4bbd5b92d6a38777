#include "runtime/exchange.h"

#include <algorithm>
#include <utility>

namespace gameflow::runtime {

// There are few.
std::uint32_t Exchange::number_of(window::Span window) {
  const auto known = std::ranges::find(windows_, window);
  const auto number = static_cast<std::uint32_t>(known - windows_.begin());
  if (known == windows_.end()) windows_.push_back(window);
  return number;
}

std::uint64_t Exchange::hash_of(std::string_view key) {
  if (suffix_.bytes.empty()) return state::hash_key(key);
  suffix_.key.assign(key).append(suffix_.bytes);
  return state::hash_key(suffix_.key);
}

void Exchange::add(std::string_view key, std::uint32_t window, const void* value, Timestamp time,
                   std::uint32_t record, std::uint32_t number) {
  const std::uint64_t hash = hash_of(key);
  placed_.push_back({{key, hash}, value, time, window, record, number});
  shards_.push_back(static_cast<std::uint8_t>(state::shard_of(hash)));
}

// Counting sort; within a shard records stay in order.
void Exchange::sort() {
  struct Place {
    std::uint32_t record = 0, key = 0;  // numbers in the columns and in key_bytes_
  };
  const std::string_view suffix = suffix_.bytes;
  Place next[state::kShards];
  for (std::size_t i = 0; i < placed_.size(); ++i) {
    ++next[shards_[i]].record;
    next[shards_[i]].key += static_cast<std::uint32_t>(placed_[i].probe.key.size() + suffix.size());
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
  probes_.resize(begin.record);
  values_.resize(begin.record);
  times_.resize(begin.record);
  record_windows_.resize(begin.record);
  records_.resize(begin.record);
  numbers_.resize(begin.record);
  key_bytes_.resize(begin.key);
  for (std::size_t i = 0; i < placed_.size(); ++i) {
    const Placed& placed = placed_[i];
    const std::string_view key = placed.probe.key;
    Place& at = next[shards_[i]];
    char* const bytes = key_bytes_.data() + at.key;
    key.copy(bytes, key.size());
    suffix.copy(bytes + key.size(), suffix.size());
    const std::size_t size = key.size() + suffix.size();
    at.key += static_cast<std::uint32_t>(size);
    probes_[at.record] = {{bytes, size}, placed.probe.hash};
    values_[at.record] = placed.value;
    times_[at.record] = placed.time;
    record_windows_[at.record] = placed.window;
    records_[at.record] = placed.record;
    numbers_[at.record] = placed.number;
    ++at.record;
  }
}

Exchange::Records Exchange::shard(std::uint32_t number) const {
  const std::size_t begin = shard_begin_[number];
  return {probes_.data() + begin,          values_.data() + begin,  times_.data() + begin,
          record_windows_.data() + begin,  records_.data() + begin, numbers_.data() + begin,
          shard_begin_[number + 1] - begin};
}

std::size_t Exchange::Records::end_of_window(std::size_t begin, std::size_t most) const {
  const std::size_t limit = begin + std::min(most, size - begin);
  const std::uint32_t window = windows[begin];
  std::size_t end = begin;
  while (end < limit && windows[end] == window) ++end;
  return end;
}

void Exchange::clear() {
  suffix_.bytes.clear();
  placed_.clear();
  shards_.clear();
  windows_.clear();
  probes_.clear();
  values_.clear();
  times_.clear();
  record_windows_.clear();
  records_.clear();
  numbers_.clear();
  std::ranges::fill(shard_begin_, 0U);
  shards_mask_ = 0;
}

}  // namespace gameflow::runtime
