// The reading half of service_runner.h: what metrics and queries see of a service.
#include <cstring>
#include <memory>
#include <utility>

#include "runtime/service_runner.h"

namespace gameflow::runtime {

ServiceStats ServiceRunner::stats(Timestamp now) const {
  ServiceStats stats{.name = plan_.spec->name,
                     .records_in = counters_.records_in,
                     .records_out = counters_.records_out,
                     .records_late = counters_.records_late,
                     .records_dead = counters_.records_dead,
                     .records_future = counters_.records_future,
                     .records_expired = counters_.records_expired,
                     .windows_open = windows_.size(),
                     .windows_closed = counters_.windows_closed,
                     .watermark = watermark_.value(),
                     .partitions = {},
                     .states = {}};
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const Input& input = inputs_[i];
    const auto info = store_.topic(input.id);
    const std::uint64_t end = info ? info->partitions[input.partition].end.value : input.next.value;
    stats.partitions.push_back({input.topic, input.partition, input.next.value, end,
                                watermark_.partitions()[i].progress, watermark_.is_idle(i, now)});
  }
  for (std::size_t state = 0; state < plan_.states.size(); ++state) {
    StateStats& of_state = stats.states.emplace_back(StateStats{plan_.states[state].name, 0, 0});
    for (const auto& [start, window] : windows_) {
      for (const auto& shard : window->shards) {
        if (shard == nullptr) continue;
        of_state.rows += shard->size();
        of_state.bytes += shard->bytes() / plan_.states.size();
      }
    }
  }
  return stats;
}

StateSnapshot ServiceRunner::snapshot(std::size_t state, std::string table) const {
  auto memory = std::make_shared<record::BlockArena>();
  StateSnapshot snapshot{make_table(plan_.states[state], std::move(table)), memory};
  const state::RowCodec& codec = layout_.codec(state);
  const auto add = [&](const WindowState& window, bool closed) {
    query::Segment segment{window_constants(window.start, tumbling_.size, closed), {}};
    collect_rows(window, layout_, state, segment.rows);
    for (query::Row& row : segment.rows) {
      void* const data = memory->allocate(codec.size(), 16);
      std::memcpy(data, row.data, codec.size());
      codec.adopt_text(data, *memory, [](const char*) { return false; });
      row.data = data;
      row.key = {memory->copy(row.key.data(), row.key.size()), row.key.size()};
    }
    if (!segment.rows.empty()) snapshot.table.segments.push_back(std::move(segment));
  };
  if (last_closed_ != nullptr) add(*last_closed_, true);
  for (const auto& [start, window] : windows_) add(*window, false);
  return snapshot;
}

}  // namespace gameflow::runtime
