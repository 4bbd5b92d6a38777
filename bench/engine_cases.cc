// The engine on records that are already in a topic: read, decode, window, flush, commit.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "baseline.h"
#include "report.h"
#include "runtime/engine.h"
#include "world.h"

namespace gameflow::bench {
namespace {

// The newest record of the flagship's summaries.
std::string last_summary(World& world) {
  const log::TopicInfo topic = must(world.store->topic("player-session-summaries"));
  const log::ReadResult read =
      must(world.store->read(topic.id, 0, topic.partitions.at(0).begin, SIZE_MAX));
  const record::Batch& batch = *read.batches.back();
  return std::string(batch[batch.size() - 1].value);
}

// Of the flagship's player-session-analytics: each window is a record of each.
constexpr std::uint64_t kSinks = 2;

void check_sessions(const runtime::ServiceStats& stats, const Events& events) {
  if (stats.records_in != events.count || stats.records_out != kSinks * events.options.windows ||
      stats.records_late != 0 || stats.records_dead != 0) {
    throw std::runtime_error(fmt::format("{}: {} in, {} out, {} late, {} dead", stats.name,
                                         stats.records_in, stats.records_out, stats.records_late,
                                         stats.records_dead));
  }
}

struct SessionsOptions {
  std::size_t services = 1;
  std::uint32_t threads = 1;
  double (*seconds_of)(const std::function<void()>& body) = bench::seconds_of;
};

// The flagship's player-session-analytics over the topic from its beginning to its end, as often as
// the world has it. Every epoch is committed with an fsync.
std::function<Run()> run_sessions(const std::shared_ptr<World>& world, const Events& events,
                                  const SessionsOptions& options) {
  return [world, &events, options, expected = run_baseline(events).last_json] {
    const auto engine = world->open_engine_afresh(options.threads, Duration{0});
    const auto is_done = [&](std::span<const runtime::ServiceStats> services) {
      return std::ranges::all_of(services.first(options.services), [&](const auto& service) {
        return service.records_out == kSinks * events.options.windows;
      });
    };
    const double seconds = options.seconds_of([&] { run_to_end(*engine, is_done); });
    const runtime::EngineStats stats = engine->stats();
    for (std::size_t i = 0; i < options.services; ++i) check_sessions(stats.services.at(i), events);
    if (last_summary(*world) != expected) {
      throw std::runtime_error("the last window is not the baseline's");
    }
    return Run{events.count, events.json_bytes, seconds};
  };
}

// The baseline has one thread, so everything here shares one core, also what compacts and commits.
Body prepare_player_sessions(const Setting& setting) {
  use_one_core();
  const auto world = filled_world(flagship_yaml(1), setting.events);
  return against_baseline(setting, run_sessions(world, setting.events, {}));
}

// The same for ten services that read one topic: the CPU time it takes, as a multiple of one's.
// (The two take so unequally long that whatever else the machine does would tell in their wall
// time.)
Body prepare_ten_services(const Setting& setting) {
  use_one_core();
  const auto run = [&](std::size_t services) {
    return run_sessions(filled_world(flagship_yaml(services), setting.events), setting.events,
                        {.services = services, .seconds_of = cpu_seconds_of});
  };
  return [one = run(1), ten = run(setting.quick ? 2 : 10)] {
    const double wanted = one().seconds;
    const double seconds = ten().seconds;
    return std::vector{Sample{seconds, seconds / wanted}};
  };
}

// Two threads with two cores ÷ one with one: with two cores, one thread would leave flushes,
// commits and compactions to the other.
Body prepare_two_threads(const Setting& setting) {
  const auto on = [&](void (*use_cores)(), std::uint32_t threads) {
    use_cores();
    const auto world =
        filled_world(replaced(flagship_yaml(1), "converter: json }\n    partitions: 2",
                              "converter: json }\n    partitions: 8"),
                     setting.events);
    return [use_cores, run = run_sessions(world, setting.events, {.threads = threads})] {
      use_cores();
      return run();
    };
  };
  return against(on(use_one_core, 1), on(use_all_cores, 2));
}

// A game of 10,000 players and 30,000 events a second: who were the ten most active of the last
// minute, told every second, ÷ told once a minute.
Body prepare_sliding(const Setting& setting) {
  use_one_core();
  const std::size_t minutes = setting.quick ? 1 : 2;
  auto events = std::make_shared<const Events>(EventOptions{
      .players = 10'000, .events_per_window = 1'800'000, .windows = minutes, .window_ms = 60'000});
  const std::string yaml = replaced(
      replaced(flagship_yaml(1), " count: { type: u32 }", " count: { type: u32, merge: sum }"),
      "count desc, _key", "count desc, _key limit 10");
  const auto run = [&](std::string_view window, std::size_t windows) {
    const std::size_t results = kSinks * windows;
    const auto world =
        filled_world(replaced(yaml, "tumbling:\n        duration: 5s", window), *events);
    return [world, events, results] {
      const auto engine = world->open_engine_afresh(1, Duration{0});
      const double seconds = seconds_of([&] {
        run_to_end(*engine, [&](std::span<const runtime::ServiceStats> services) {
          return services[0].records_out == results;
        });
      });
      const runtime::EngineStats stats = engine->stats();
      const runtime::ServiceStats& service = stats.services.at(0);
      if (service.records_in != events->count || service.records_out != results ||
          service.records_late != 0 || service.records_dead != 0)
        throw std::runtime_error(
            fmt::format("{} in, {} out", service.records_in, service.records_out));
      return Run{events->count, events->json_bytes, seconds};
    };
  };
  return against(run("tumbling: { duration: 60s }", minutes + 1),
                 run("sliding: { duration: 60s, slide: 1s }", minutes * 60 + 59));
}

}  // namespace

void add_engine_cases(Cases& cases) {
  using enum Target::Better;
  cases.push_back({.name = "engine/player-sessions",
                   .figures = {{"", "events/s", "baseline", Target{kHigher, 0.9, 1.3}}},
                   .prepare = prepare_player_sessions});
  cases.push_back({.name = "engine/ten-services",
                   .figures = {{"", "s CPU", "one service", Target{kLower, 3, 2}}},
                   .repetitions = 3,
                   .prepare = prepare_ten_services});
  cases.push_back({.name = "engine/two-threads",
                   .figures = {{"", "events/s", "one core", Target{kHigher, 1.7, 1.9}}},
                   .prepare = prepare_two_threads});
  cases.push_back({.name = "engine/sliding",
                   .figures = {{"", "events/s", "tumbling", Target{kHigher, 0.5, 0.8}}},
                   .repetitions = 3,
                   .prepare = prepare_sliding});
}

}  // namespace gameflow::bench
