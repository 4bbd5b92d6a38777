// Services against loops that write the same records.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "baseline.h"
#include "report.h"
#include "runtime/engine.h"
#include "world.h"

namespace gameflow::bench {
namespace {

// What a set of lines is recognised by, in whatever order they come.
struct LinesSum {
  std::size_t count = 0;
  std::uint64_t sum = 0;

  void add(std::string_view line) {
    ++count;
    sum += std::hash<std::string_view>{}(line);
  }
  void add_lines(std::string_view lines) {
    for (std::size_t end; (end = lines.find('\n')) != std::string_view::npos;) {
      add(lines.substr(0, end));
      lines.remove_prefix(end + 1);
    }
  }
  friend bool operator==(const LinesSum&, const LinesSum&) = default;
};

using TakeLines = std::function<void(std::string_view)>;
using Loop = std::function<void(const TakeLines&)>;

LinesSum sum_of_loop(const Loop& loop) {
  LinesSum sum;
  loop([&](std::string_view lines) { sum.add_lines(lines); });
  return sum;
}

// Of the records of a topic from `from` on, one offset a partition; moves `from` to the end.
LinesSum sum_of_topic(World& world, std::string_view name, std::vector<record::Offset>& from) {
  const log::TopicInfo topic = must(world.store->topic(name));
  LinesSum sum;
  from.resize(topic.partitions.size());
  for (std::uint32_t p = 0; p < topic.partitions.size(); ++p) {
    for (const auto& batch : must(world.store->read(topic.id, p, from[p], SIZE_MAX)).batches) {
      for (std::size_t i = 0; i < batch->size(); ++i) sum.add((*batch)[i].value);
    }
    from[p] = topic.partitions[p].end;
  }
  return sum;
}

// What a case reads.
struct Input {
  std::size_t count, bytes;
};
Input input_of(const Events& events) {
  return {events.count, events.json_bytes};
}

Run run_timed(const Loop& loop, Input input) {
  std::size_t bytes = 0;
  const double seconds =
      seconds_of([&] { loop([&](std::string_view lines) { bytes += lines.size(); }); });
  if (bytes == 0) throw std::runtime_error("the loop let nothing through");
  return {input.count, input.bytes, seconds};
}

// The first service of the world makes of all events what the loop does.
Body against_loop(const std::shared_ptr<World>& world, Input input, std::string topic, Loop loop) {
  auto from = std::make_shared<std::vector<record::Offset>>();
  return against([input, loop] { return run_timed(loop, input); },
                 [world, from, input, topic, expected = sum_of_loop(loop)] {
                   const auto engine = world->open_engine_afresh(1, Duration{0});
                   const double seconds = seconds_of([&] {
                     run_to_end(*engine, [&](std::span<const runtime::ServiceStats> services) {
                       return services[0].records_in == input.count &&
                              services[0].windows_open == 0;
                     });
                   });
                   if (sum_of_topic(*world, topic, *from) != expected)
                     throw std::runtime_error("the records are not those of the loop");
                   return Run{input.count, input.bytes, seconds};
                 });
}

Body prepare_filter_map(const Setting& setting) {
  use_one_core();
  return against_loop(
      filled_world(read_source("bench/dataflows/filter-map.yaml"), setting.events),
      input_of(setting.events), "player-actions",
      [&events = setting.events](const TakeLines& take) { run_filter_map(events, take); });
}

// Every other player has a level, which is read by key for each event.
Body prepare_look_up(const Setting& setting) {
  use_one_core();
  std::vector<PlayerLevel> levels;
  for (std::size_t i = 0; i < setting.events.options.players; i += 2)
    levels.push_back({fmt::format("player_{}", i), static_cast<std::uint32_t>(i % 90)});
  const auto world = filled_world(read_source("bench/dataflows/look-up.yaml"), setting.events);
  log::Commit commit;
  commit.appends.push_back({must(world->store->topic("player-levels")).id, 0, {}});
  for (const PlayerLevel& level : levels) {
    commit.appends[0].batch.add(
        {}, std::nullopt,
        fmt::format(R"({{"player":"{}","level":{}}})", level.player, level.level));
  }
  must(world->store->commit(std::move(commit)));
  return against_loop(world, input_of(setting.events), "player-actions",
                      [&events = setting.events, levels](const TakeLines& take) {
                        run_look_up(events, levels, take);
                      });
}

// A game of 10,000 players, of whom most pause longer than the gap now and then.
Body prepare_session(const Setting& setting) {
  use_one_core();
  static const Events events(
      {.players = 10'000, .events_per_window = 30'000, .windows = setting.quick ? 5U : 60U});
  return against_loop(filled_world(read_source("bench/dataflows/sessions.yaml"), events),
                      input_of(events), "player-sessions",
                      [](const TakeLines& take) { run_session_loop(events, 5'000, take); });
}

// Two streams of 100,000 players, 100,000 events a second each, and one or two pairs a left event.
Body prepare_join(const Setting& setting) {
  use_one_core();
  const std::size_t windows = setting.quick ? 1 : 2;
  const auto left = std::make_shared<const Events>(EventOptions{.windows = windows, .seed = 1});
  const auto right = std::make_shared<const Events>(EventOptions{.windows = windows, .seed = 2});
  const auto world = std::make_shared<World>(read_source("bench/dataflows/join.yaml"));
  world->open_engine(1);  // makes the topics
  world->fill("player-events", *left);
  world->fill("other-events", *right);
  world->open_store();
  return against_loop(world, {left->count + right->count, left->json_bytes + right->json_bytes},
                      "meetings",
                      [left, right](const TakeLines& take) { run_join(*left, *right, take); });
}

}  // namespace

void add_pipe_cases(Cases& cases) {
  using enum Target::Better;
  cases.push_back({.name = "engine/filter-map",
                   .figures = {{"", "events/s", "its loop", Target{kHigher, 0.6, 0.9}}},
                   .prepare = prepare_filter_map});
  cases.push_back({.name = "engine/look-up",
                   .figures = {{"", "events/s", "its loop", Target{kHigher, 0.5, std::nullopt}}},
                   .prepare = prepare_look_up});
  cases.push_back({.name = "engine/session",
                   .figures = {{"", "events/s", "its loop", Target{kHigher, 0.5, 0.8}}},
                   .repetitions = 3,
                   .prepare = prepare_session});
  cases.push_back({.name = "engine/join",
                   .figures = {{"", "events/s", "its loop", Target{kHigher, 0.5, 0.8}}},
                   .repetitions = 3,
                   .prepare = prepare_join});
}

}  // namespace gameflow::bench
