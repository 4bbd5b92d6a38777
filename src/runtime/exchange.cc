#include "runtime/exchange.h"

#include <algorithm>
#include <utility>

namespace gameflow::runtime {

void ExchangeBuilder::begin(Exchange& out, std::string_view suffix) {
  out_ = &out;
  suffix_ = suffix;
  placed_.clear();
  keys_.reset();
}

// There are few.
std::uint32_t ExchangeBuilder::number_of(window::Span window) {
  std::vector<window::Span>& windows = out_->windows_;
  const auto known = std::ranges::find(windows, window);
  const auto number = static_cast<std::uint32_t>(known - windows.begin());
  if (known == windows.end()) windows.push_back(window);
  return number;
}

std::string_view ExchangeBuilder::with_suffix(std::string_view key) {
  if (suffix_.empty()) return key;
  const std::size_t size = key.size() + suffix_.size();
  auto* const bytes = static_cast<char*>(keys_.allocate(size, 1));
  key.copy(bytes, key.size());
  suffix_.copy(bytes + key.size(), suffix_.size());
  return {bytes, size};
}

void ExchangeBuilder::add(std::string_view key, std::uint32_t window, const void* value,
                          Timestamp time, std::uint32_t record, std::uint32_t number) {
  placed_.push_back({{with_suffix(key), 0}, {value, time, window, record, number}});
}

// A key is hashed here, not as it is added: read right after its suffix was written behind it, it
// would wait for both (17 ns), and here the next keys are fetched meanwhile.
void ExchangeBuilder::count() {
  std::ranges::fill(next_, Place{});
  shards_.resize(placed_.size());
  for (std::size_t i = 0; i < placed_.size(); ++i) {
    state::Probe& probe = placed_[i].probe;
    probe.hash = state::hash_key(probe.key);
    shards_[i] = static_cast<std::uint8_t>(state::shard_of(probe.hash));
  }
  for (std::size_t i = 0; i < placed_.size(); ++i) {
    ++next_[shards_[i]].record;
    next_[shards_[i]].key += static_cast<std::uint32_t>(placed_[i].probe.key.size());
  }
  Place begin;
  for (std::uint32_t shard = 0; shard < state::kShards; ++shard) {
    const Place counts = std::exchange(next_[shard], begin);
    if (counts.record != 0) out_->shards_mask_ |= std::uint64_t{1} << shard;
    out_->shard_begin_[shard] = begin.record;
    begin.record += counts.record;
    begin.key += counts.key;
  }
  out_->shard_begin_[state::kShards] = begin.record;
  out_->key_bytes_.resize(begin.key, boost::container::default_init);
}

// Counting sort; within a shard records stay in order.
void ExchangeBuilder::finish() {
  count();
  Exchange& out = *out_;
  out.probes_.resize(placed_.size(), boost::container::default_init);
  out.records_.resize(placed_.size(), boost::container::default_init);
  for (std::size_t i = 0; i < placed_.size(); ++i) {
    const Placed& placed = placed_[i];
    const std::string_view key = placed.probe.key;
    Place& at = next_[shards_[i]];
    char* const bytes = out.key_bytes_.data() + at.key;
    key.copy(bytes, key.size());
    at.key += static_cast<std::uint32_t>(key.size());
    out.probes_[at.record] = {{bytes, key.size()}, placed.probe.hash};
    out.records_[at.record] = placed.record;
    ++at.record;
  }
}

Exchange::Records Exchange::shard(std::uint32_t number) const {
  const std::size_t begin = shard_begin_[number];
  return {probes_.data() + begin, records_.data() + begin, shard_begin_[number + 1] - begin};
}

std::size_t Exchange::Records::end_of_window(std::size_t begin, std::size_t most) const {
  const std::size_t limit = begin + std::min(most, size - begin);
  const std::uint32_t window = records[begin].window;
  std::size_t end = begin;
  while (end < limit && records[end].window == window) ++end;
  return end;
}

void Exchange::clear() {
  windows_.clear();
  probes_.clear();
  records_.clear();
  std::ranges::fill(shard_begin_, 0U);
  shards_mask_ = 0;
}

}  // namespace gameflow::runtime
