// The players' events every case works on: deterministic, the same for the baseline and for us.
//
// Units  timestamps are ms UTC.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "record/batch.h"
#include "record/type.h"

namespace gameflow::bench {

struct EventOptions {
  std::size_t players = 100'000;
  std::size_t events_per_window = 500'000;
  std::size_t windows = 12;
  std::int64_t window_ms = 5'000;
  std::uint64_t seed = 1;
  std::size_t batch_records = 1'000;
};

// Events as games send them: one JSON object each, in order of time, keyed by player, the timestamp
// inside with milliseconds. Players differ in how much they play: half of the events come from a
// tenth of them. Every player occurs.
struct Events {
  explicit Events(const EventOptions& options);

  EventOptions options;
  std::vector<std::shared_ptr<record::Batch>> batches;
  std::size_t count = 0;
  std::size_t json_bytes = 0;  // of the values
};

// The types of the flagship dataflow that the cases use.
struct EventTypes {
  EventTypes();

  record::TypeTable types;
  const record::Type* event;    // player-event
  const record::Type* summary;  // {player_id: string, event_count: u32}
  const record::Type* summaries;
};

}  // namespace gameflow::bench
