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

void check_sessions(const runtime::ServiceStats& stats, const Events& events) {
  if (stats.records_in != events.count || stats.records_out != events.options.windows ||
      stats.records_late != 0 || stats.records_dead != 0) {
    throw std::runtime_error(fmt::format("{}: {} in, {} out, {} late, {} dead", stats.name,
                                         stats.records_in, stats.records_out, stats.records_late,
                                         stats.records_dead));
  }
}

std::shared_ptr<World> filled_world(std::string yaml, const Events& events) {
  auto world = std::make_shared<World>(std::move(yaml));
  world->open_engine(1);  // makes the topics
  world->fill("player-events", events);
  world->open_store();
  return world;
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
        return service.records_out == events.options.windows;
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

// What a set of lines is recognised by, in whatever order they come.
struct LinesSum {
  std::size_t count = 0;
  std::uint64_t sum = 0;

  void add(std::string_view line) {
    ++count;
    sum += std::hash<std::string_view>{}(line);
  }
  friend bool operator==(const LinesSum&, const LinesSum&) = default;
};

// A job by hand.
using Loop = std::function<void(const Events&, const std::function<void(std::string_view)>&)>;

LinesSum sum_of_loop(const Loop& loop, const Events& events) {
  LinesSum sum;
  loop(events, [&](std::string_view lines) {
    for (std::size_t end; (end = lines.find('\n')) != std::string_view::npos;) {
      sum.add(lines.substr(0, end));
      lines.remove_prefix(end + 1);
    }
  });
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

Run run_timed_loop(const Loop& loop, const Events& events) {
  std::size_t bytes = 0;
  const double seconds =
      seconds_of([&] { loop(events, [&](std::string_view lines) { bytes += lines.size(); }); });
  if (bytes == 0) throw std::runtime_error("the loop let nothing through");
  return {events.count, events.json_bytes, seconds};
}

// A dataflow over the events ÷ its loop; what it writes to the topic has to be the same.
Body prepare_loop(const std::shared_ptr<const Events>& events, std::string yaml, std::string topic,
                  const Loop& loop) {
  use_one_core();
  const auto world = filled_world(std::move(yaml), *events);
  auto from = std::make_shared<std::vector<record::Offset>>();
  return against([events, loop] { return run_timed_loop(loop, *events); },
                 [world, from, events, topic, expected = sum_of_loop(loop, *events)] {
                   const auto engine = world->open_engine_afresh(1, Duration{0});
                   const double seconds = seconds_of([&] {
                     run_to_end(*engine, [&](std::span<const runtime::ServiceStats> services) {
                       return services[0].records_in == events->count &&
                              services[0].windows_open == 0;
                     });
                   });
                   if (sum_of_topic(*world, topic, *from) != expected) {
                     throw std::runtime_error("the records are not those of the loop");
                   }
                   return Run{events->count, events->json_bytes, seconds};
                 });
}

Body prepare_filter_map(const Setting& setting) {
  const std::shared_ptr<const Events> events(&setting.events, [](const Events*) {});
  return prepare_loop(events, read_source("bench/dataflows/filter-map.yaml"), "player-actions",
                      run_filter_map);
}

// A game of 10,000 players, of whom most pause longer than the gap now and then.
Body prepare_session(const Setting& setting) {
  const auto events = std::make_shared<const Events>(EventOptions{
      .players = 10'000, .events_per_window = 30'000, .windows = setting.quick ? 5U : 60U});
  return prepare_loop(
      events, read_source("bench/dataflows/sessions.yaml"), "player-sessions",
      [](const Events& of, const auto& take) { run_session_loop(of, 5'000, take); });
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
  const auto run = [&](std::string_view window, std::size_t results) {
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
  cases.push_back({.name = "engine/session",
                   .figures = {{"", "events/s", "its loop", Target{kHigher, 0.5, 0.8}}},
                   .repetitions = 3,
                   .prepare = prepare_session});
  cases.push_back({.name = "engine/filter-map",
                   .figures = {{"", "events/s", "its loop", Target{kHigher, 0.6, 0.9}}},
                   .prepare = prepare_filter_map});
}

}  // namespace gameflow::bench
