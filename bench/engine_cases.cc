// The engine on records that are already in a topic: read, decode, window, flush, commit.
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <sched.h>

#include "app/dataflow_file.h"
#include "log/rocksdb/rocksdb_store.h"
#include "report.h"
#include "runtime/engine.h"

namespace gameflow::bench {
namespace {

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

void must(const Status& status) {
  if (!status) throw std::runtime_error(status.error().message);
}

// The baseline has one thread, so the engine gets one core for all of its own: also those that
// compact and commit.
void pin_to_one_core() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(0, &cores);
  sched_setaffinity(0, sizeof cores, &cores);
}

// A folder that goes with the case.
struct TemporaryFolder {
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "gameflow-bench-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
    path = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::filesystem::path path;
};

struct World {
  TemporaryFolder folder;
  SystemClock clock;
  app::DataflowFile file;
  opbuild::Library library;
  std::unique_ptr<log::Store> store;

  void open_store() {
    store.reset();
    store = must(log::open_rocksdb_store({.folder = folder.path / "data", .clock = &clock}));
  }
  std::unique_ptr<runtime::Engine> open_engine() {
    must(runtime::Engine::clear_state(file.plan, *store));
    return must(runtime::Engine::open(file.plan, library.functions, *store,
                                      {.threads = 1, .clock = &clock}));
  }
};

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

// The flagship's player-session-analytics over the topic from its beginning to its end; every epoch
// is committed with an fsync. What the outputs are is checked once.
std::function<Run()> prepare_player_sessions(const Events& events) {
  pin_to_one_core();
  auto world = std::make_shared<World>();
  world->file =
      must(app::read_dataflow(GAMEFLOW_SOURCE_DIR "/games/gaming-analytics/dataflow.yaml"));
  world->library = must(app::build_operators(
      world->file, {.dataflow = {}, .cache_folder = world->folder.path / "cache"}, false));
  world->open_store();
  world->open_engine();  // makes the topics
  fill(*world, events);
  world->open_store();  // so that records come from disk, not from the tail cache
  return [world, &events] {
    const auto engine = world->open_engine();
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
    return Run{events.count, events.json_bytes, seconds};
  };
}

}  // namespace

void add_engine_cases(Cases& cases) {
  cases.push_back(
      {.name = "engine/player-sessions", .compare = true, .prepare = prepare_player_sessions});
}

}  // namespace gameflow::bench
