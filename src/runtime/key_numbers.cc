#include "runtime/key_numbers.h"

#include <algorithm>
#include <bit>

namespace gameflow::runtime {

bool are_alike(std::span<const Delivery* const> one, std::span<const Delivery* const> other) {
  return std::ranges::equal(one, other, {}, &Delivery::placement, &Delivery::placement);
}

void KeyNumbers::count(std::span<const Delivery* const> deliveries, std::uint32_t shard) {
  const bool is_known = !placements_.empty() && shard == shard_ &&
                        std::ranges::equal(placements_, deliveries, {}, {}, &Delivery::placement);
  if (is_known) return;
  placements_.clear();
  shard_ = shard;
  numbers_.clear();
  windows_used_ = 0;
  std::size_t records = 0;
  for (const Delivery* delivery : deliveries)
    records += delivery->placement->exchange.shard(shard).size;
  slots_.assign(std::bit_ceil(2 * records), {});
  numbers_.reserve(records);
  for (const Delivery* delivery : deliveries) {
    const Exchange& exchange = delivery->placement->exchange;
    const Exchange::Records placed = exchange.shard(shard);
    for (std::size_t begin = 0; begin < placed.size;) {
      const std::size_t end = placed.end_of_window(begin, placed.size);
      const std::uint32_t window =
          window_number(exchange.windows()[placed.records[begin].window].start);
      for (; begin < end; ++begin) numbers_.push_back(number_of(placed.probes[begin], window));
    }
  }
  for (const Delivery* delivery : deliveries) placements_.push_back(delivery->placement);
}

std::uint32_t KeyNumbers::window_number(Timestamp start) {
  const auto known = std::ranges::find(windows(), start, &Window::start);
  const auto number = static_cast<std::size_t>(known - windows().begin());
  if (number < windows_used_) return static_cast<std::uint32_t>(number);
  if (windows_used_ == windows_.size()) windows_.emplace_back();
  windows_[windows_used_].start = start;
  windows_[windows_used_++].keys.clear();
  return static_cast<std::uint32_t>(number);
}

std::uint32_t KeyNumbers::number_of(const state::Probe& probe, std::uint32_t window) {
  std::vector<state::Probe>& keys = windows_[window].keys;
  const std::size_t mask = slots_.size() - 1;
  // The bits that chose the shard are the same in all.
  for (std::size_t at = (probe.hash >> 32) + window;; ++at) {
    Slot& slot = slots_[at & mask];
    if (slot.number_and_one == 0) {
      keys.push_back(probe);
      slot = {window, static_cast<std::uint32_t>(keys.size())};
      return slot.number_and_one - 1;
    }
    if (slot.window != window) continue;
    const state::Probe& known = keys[slot.number_and_one - 1];
    if (known.hash == probe.hash && known.key == probe.key) return slot.number_and_one - 1;
  }
}

}  // namespace gameflow::runtime
