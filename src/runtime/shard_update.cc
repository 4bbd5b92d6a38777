#include "runtime/shard_update.h"

#include <fmt/format.h>

namespace gameflow::runtime {
namespace {

FailedUpdate without_window(std::size_t slice, const Slice::Placed& placed) {
  return {slice, placed.record, "assign-timestamp",
          fmt::format("the event's window, from {}, is far ahead of the clock, and too many such "
                      "windows are open: is a device's clock wrong?",
                      format_timestamp(placed.window_start))};
}

}  // namespace

void ShardUpdate::run(std::uint32_t shard, const std::deque<Slice>& slices, std::size_t slice_count,
                      const Target& target, ShardUpdateResult& result) {
  const std::size_t states = target.layout->state_count();
  WindowState* window = nullptr;
  for (std::size_t s = 0; s < slice_count; ++s) {
    const Slice& slice = slices[s];
    for (const Slice::Placed& placed : slice.shard(shard)) {
      const Timestamp start = placed.window_start;
      if (window == nullptr || window->start != start) {
        const auto open = target.windows->find(start);
        if (open == target.windows->end()) {
          result.failed.push_back(without_window(s, placed));
          continue;
        }
        window = open->second.get();
      }
      state::KeyedShard& keyed = window->shard(shard, *target.layout);
      state::Entry* entry = keyed.find_or_insert(placed.key(), placed.hash);
      events_.push_back(slice.event(placed.record));
      for (std::size_t state = 0; state < states; ++state)
        rows_.push_back(target.layout->row(entry, state));
      starts_.push_back(start.ms);
      shards_.push_back(&keyed);
      entries_.push_back(entry);
      origins_.emplace_back(s, placed.record);
      if (events_.size() == kBatch) apply(target, result);
    }
  }
  if (!events_.empty()) apply(target, result);
  for (auto& [start, open] : *target.windows) {
    state::KeyedShard* keyed = open->shards[shard].get();
    if (keyed == nullptr || !keyed->has_changes()) continue;
    keyed->own_text();
    if (target.open_from && start < *target.open_from) continue;
    std::string changes;
    ByteWriter out(changes);
    keyed->take_changes(out);
    result.changes.emplace(start, std::move(changes));
  }
  arena_.reset();  // only now: rows may have pointed at text that operators made
}

void ShardUpdate::apply(const Target& target, ShardUpdateResult& result) {
  const auto count = static_cast<u32>(events_.size());
  uses_.resize(count);
  errors_.resize(count);
  abi::Call call{.arena = &arena_,
                 .window_start_ms = 0,
                 .window_end_ms = 0,
                 .sql = nullptr,
                 .sql_context = nullptr,
                 .sql_error = {}};
  const u32 failures =
      target.functions->update_state(&call, events_.data(), rows_.data(), starts_.data(),
                                     target.window_size.ms, count, uses_.data(), errors_.data());
  for (u32 i = 0; i < count; ++i) {
    const u32 changed = uses_[i].changed | (uses_[i].asked & ~entries_[i]->live);
    if (changed != 0) shards_[i]->mark_changed(entries_[i], changed, target.now);
  }
  for (u32 i = 0; i < failures; ++i) {
    const auto [slice, record] = origins_[errors_[i].index];
    result.failed.push_back({slice, record, "update-state", errors_[i].message.str()});
  }
  events_.clear();
  rows_.clear();
  starts_.clear();
  shards_.clear();
  entries_.clear();
  origins_.clear();
}

}  // namespace gameflow::runtime
