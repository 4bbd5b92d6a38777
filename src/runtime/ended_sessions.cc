#include "runtime/ended_sessions.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "window/assigner.h"
#include "window/trigger.h"

namespace gameflow::runtime {

bool add_due_shards(ShardsOfService shards, Timestamp until, ServiceEpoch& part) {
  bool has_some = false;
  for (std::uint32_t number = 0; number < shards.size(); ++number) {
    const auto next = shards[number]->next_timer(window::kAlways.start);
    if (!next || *next > until) continue;
    has_some = true;
    part.shards |= std::uint64_t{1} << number;
  }
  return has_some;
}

void settle_ended(ServiceEpoch& part) {
  part.due.clear();
  part.ended = nullptr;
  auto rows = std::make_shared<PaneRows>();
  rows->shards.resize(state::kShards);
  std::optional<window::Span> span;
  part.sessions_ended = 0;
  for (std::uint32_t number = 0; number < state::kShards; ++number) {
    const auto& ended = part.outcomes[number].ended;
    if (!ended) continue;
    if (!span) span = ended->span;
    span = window::Span{std::min(span->start, ended->span.start),
                        std::max(span->end, ended->span.end)};
    part.sessions_ended += ended->rows->keys();
    rows->shards[number].rows = ended->rows->seal();
  }
  if (!span) return;
  part.ended = std::move(rows);
  part.due.push_back({*span, window::Kind::kFinal});
}

WindowRows gather_ended(const ServiceEpoch& part) {
  const DueResult& due = part.due.front();
  return {.window = due.window,
          .kind = due.kind,
          .panes = {part.ended},
          .windows = part.sessions_ended};
}

std::size_t count_sessions(ShardsOfService shards) {
  std::size_t sessions = 0;
  for (const auto& shard : shards) {
    if (const auto* const rows = shard->find(window::kAlways.start))
      sessions += rows->table.live_keys();
  }
  return sessions;
}

bool has_sessions(ShardsOfService shards) {
  return std::ranges::any_of(shards, [](const auto& shard) {
    return shard->next_timer(window::kAlways.start).has_value();
  });
}

}  // namespace gameflow::runtime
