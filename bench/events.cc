#include "events.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <random>

#include <fmt/format.h>

namespace gameflow::bench {
namespace {

constexpr std::int64_t kStartMs = 1'731'406'530'000;  // 2024-11-12T10:15:30Z, a window boundary

constexpr std::string_view kEventTypes[] = {"move", "interaction", "level_complete", "chat"};
constexpr std::string_view kPlatforms[] = {"PC", "Console", "Mobile"};

}  // namespace

Events::Events(const EventOptions& options_) : options(options_) {
  std::mt19937_64 random(options.seed);
  const std::size_t total = options.events_per_window * options.windows;
  record::BatchBuilder builder;
  std::string json, key;
  const auto finish = [&](std::int64_t now) {
    if (builder.empty()) return;
    auto batch = builder.finish({now});
    record::BatchBuilder::place(*batch, {count - batch->size()});
    batches.push_back(std::move(batch));
  };
  for (std::size_t i = 0; i < total; ++i) {
    const auto step = static_cast<std::int64_t>(i);
    const std::int64_t now =
        kStartMs + step * options.window_ms / static_cast<std::int64_t>(options.events_per_window);
    // The first of a window go round all players, so that each has at least one event there.
    const std::size_t in_window = i % options.events_per_window;
    const std::size_t player =
        in_window < options.players
            ? in_window * 7919 % options.players
            : random() % (random() % 2 == 0 ? std::max<std::size_t>(1, options.players / 10)
                                            : options.players);
    key.clear();
    json.clear();
    fmt::format_to(std::back_inserter(key), "player_{}", player);
    fmt::format_to(
        std::back_inserter(json),
        R"({{"event_name":"player_action","parameters":{{"player_id":"{}","session_id":"session_{}",)"
        R"("event_type":"{}","level_id":"level_{:02}","map_id":"map_{:02}"}},)"
        R"("event_timestamp":"{}","user_data":{{"user_id":"{}","platform":"{}"}}}})",
        key, player * 31 % 1'000'003, kEventTypes[random() % std::size(kEventTypes)], random() % 20,
        random() % 10, format_timestamp({now}), key, kPlatforms[player % std::size(kPlatforms)]);
    builder.add({now}, key, json);
    ++count;
    json_bytes += json.size();
    if (builder.size() == options.batch_records) finish(now);
  }
  finish(kStartMs);
}

EventTypes::EventTypes() {
  const auto* text = types.scalar(record::Kind::kString);
  const auto* parameters = types.object("player-event-parameters", {{"player_id", text},
                                                                    {"session_id", text},
                                                                    {"event_type", text},
                                                                    {"level_id", text},
                                                                    {"map_id", text}});
  const auto* user = types.object("user-data", {{"user_id", text}, {"platform", text}});
  event = types.object("player-event", {{"event_name", text},
                                        {"parameters", parameters},
                                        {"event_timestamp", text},
                                        {"user_data", user}});
  summary = types.object("events-count",
                         {{"player_id", text}, {"event_count", types.scalar(record::Kind::kU32)}});
  summaries = types.list_of(summary);
}

}  // namespace gameflow::bench
