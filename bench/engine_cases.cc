// The engine on records that are already in a topic: read, decode, window, flush, commit.
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include <fmt/format.h>

#include "baseline.h"
#include "report.h"
#include "runtime/engine.h"
#include "world.h"

namespace gameflow::bench {
namespace {

void fill(World& world, const Events& events) {
  const log::TopicInfo topic = must(world.store->topic("player-events"));
  for (std::size_t b = 0; b < events.batches.size(); ++b) {
    log::Commit commit;
    commit.appends.push_back(
        {topic.id, static_cast<std::uint32_t>(b % topic.config.partitions), {}});
    const record::Batch& batch = *events.batches[b];
    for (std::size_t i = 0; i < batch.size(); ++i) {
      commit.appends[0].batch.add(batch[i].timestamp, batch[i].key, batch[i].value);
    }
    must(world.store->commit(std::move(commit)));
  }
}

std::unique_ptr<runtime::Engine> open_afresh(World& world) {
  must(runtime::Engine::clear_state(world.file.plan, *world.store));
  return must(runtime::Engine::open(world.file.plan, world.library.functions, *world.store,
                                    {.threads = 1, .clock = &world.clock}));
}

// The newest record of the flagship's summaries.
std::string last_summary(World& world) {
  const log::TopicInfo topic = must(world.store->topic("player-session-summaries"));
  const record::Offset end = topic.partitions.at(0).end;
  const auto batches = must(world.store->read(topic.id, 0, {end.value - 1}, SIZE_MAX));
  const record::Batch& batch = *batches.back();
  return std::string(batch[batch.size() - 1].value);
}

// The flagship's player-session-analytics over the topic from its beginning to its end; every epoch
// is committed with an fsync. The baseline has one thread, so everything here shares one core, also
// what compacts and commits.
std::function<Run()> prepare_player_sessions(const Events& events) {
  use_one_core();
  auto world = std::make_shared<World>();
  open_afresh(*world);  // makes the topics
  fill(*world, events);
  world->open_store();
  return [world, &events, expected = run_baseline(events).last_json] {
    const auto engine = open_afresh(*world);
    const double seconds = seconds_of([&] {
      while (must(engine->run_epoch()) == runtime::EpochResult::kCommitted) {
      }
      engine->end_input();
      while (must(engine->run_epoch()) == runtime::EpochResult::kCommitted) {
      }
    });
    const runtime::ServiceStats stats = engine->stats().services[0];
    if (stats.records_in != events.count || stats.records_out != events.options.windows ||
        stats.records_late != 0 || stats.records_dead != 0) {
      throw std::runtime_error(
          fmt::format("engine/player-sessions: {} in, {} out, {} late, {} dead", stats.records_in,
                      stats.records_out, stats.records_late, stats.records_dead));
    }
    if (last_summary(*world) != expected) {
      throw std::runtime_error("engine/player-sessions: the last window is not the baseline's");
    }
    return Run{events.count, events.json_bytes, seconds};
  };
}

}  // namespace

void add_engine_cases(Cases& cases) {
  cases.push_back(
      {.name = "engine/player-sessions", .compare = true, .prepare = prepare_player_sessions});
}

}  // namespace gameflow::bench
