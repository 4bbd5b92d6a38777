#include "world.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <thread>

#include <fmt/format.h>
#include <sched.h>

#include "log/rocksdb/rocksdb_store.h"
#include "runtime/fresh_start.h"

namespace gameflow::bench {
namespace {

void use_cores(unsigned count) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  for (unsigned core = 0; core < count; ++core) CPU_SET(core, &cores);
  sched_setaffinity(0, sizeof cores, &cores);
}

double cpu_seconds(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// The place behind which `text` has a line that begins with two spaces and no third: a service, or
// the comment before the next.
std::size_t end_of_service(const std::string& text, std::size_t from) {
  for (std::size_t at = text.find("\n  ", from); at != std::string::npos;
       at = text.find("\n  ", at + 1)) {
    if (at + 3 < text.size() && text[at + 3] != ' ') return at + 1;
  }
  return text.size();
}

}  // namespace

void use_one_core() {
  use_cores(1);
}
void use_all_cores() {
  use_cores(CPU_SETSIZE);
}

double process_cpu_seconds() {
  return cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
}
double thread_cpu_seconds() {
  return cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "gameflow-bench-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
  path = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::filesystem::remove_all(path);
}

std::filesystem::path source_path(std::string_view name) {
  return std::filesystem::path(GAMEFLOW_SOURCE_DIR) / name;
}

std::string read_source(std::string_view name) {
  std::ifstream in(source_path(name), std::ios::binary);
  if (!in) throw std::runtime_error(fmt::format("cannot read {}", name));
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string flagship_yaml() {
  return read_source("games/gaming-analytics/dataflow.yaml");
}

std::string flagship_yaml(std::size_t services) {
  const std::string text = flagship_yaml();
  const std::string name = "player-session-analytics";
  const std::size_t begin = text.find("  " + name + ":\n");
  const std::size_t section = text.find("\nservices:\n");
  if (begin == std::string::npos || section == std::string::npos) {
    throw std::runtime_error("the flagship has no service " + name);
  }
  const std::string service = text.substr(begin, end_of_service(text, begin) - begin);
  std::string result = text.substr(0, section) + "\nservices:\n";
  for (std::size_t i = 0; i < services; ++i) {
    result += replaced(service, name, fmt::format("{}-{}", name, i));
  }
  return result;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) throw std::runtime_error(fmt::format("no '{}' in the text", from));
  return text.replace(at, from.size(), to);
}

std::filesystem::path operator_cache() {
  static const TemporaryFolder folder;
  return folder.path;
}

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

// The flagship names files beside it. Where a part of it is cut out, warnings say that its types
// are not used: nobody wants to know.
World::World(std::string yaml, const Clock& clock_) : clock(clock_) {
  app::Mistakes mistakes;
  auto checked = app::check_dataflow(GAMEFLOW_SOURCE_DIR "/games/gaming-analytics/dataflow.yaml",
                                     std::move(yaml), {}, &mistakes);
  if (!checked) throw std::runtime_error(mistakes.text + checked.error().message);
  file = *std::move(checked);
  app::BuildOptions build;
  build.cache_folder = operator_cache();
  library = must(app::build_operators(file, build, false));
  open_store();
}

void World::open_store() {
  store.reset();
  store = must(log::open_rocksdb_store({.folder = folder.path / "data", .clock = &clock}));
}

std::unique_ptr<runtime::Engine> World::open_engine(std::uint32_t threads, Duration interval) {
  return must(
      runtime::Engine::open(file.graph, library.functions, *store,
                            {.threads = threads, .epoch_interval = interval, .clock = &clock}));
}

std::unique_ptr<runtime::Engine> World::open_engine_afresh(std::uint32_t threads,
                                                           Duration interval) {
  for (const plan::Service& service : file.graph->services) {
    auto start =
        must(runtime::plan_fresh_start(*file.graph, service.name, runtime::Beginning{}, *store));
    must(store->commit(std::move(start.commit)));
  }
  return open_engine(threads, interval);
}

void World::fill(std::string_view name, const Events& events) {
  const log::TopicInfo topic = must(store->topic(name));
  for (std::size_t b = 0; b < events.batches.size(); ++b) {
    log::Commit commit;
    commit.appends.push_back(
        {topic.id, static_cast<std::uint32_t>(b % topic.config.partitions), {}});
    const record::Batch& batch = *events.batches[b];
    for (std::size_t i = 0; i < batch.size(); ++i) {
      commit.appends[0].batch.add(batch[i].timestamp, batch[i].key, batch[i].value);
    }
    must(store->commit(std::move(commit)));
  }
}

std::uint64_t World::records(std::string_view topic) const {
  std::uint64_t count = 0;
  for (const auto& partition : must(store->topic(topic)).partitions) {
    count += partition.end.value - partition.begin.value;
  }
  return count;
}

std::shared_ptr<World> filled_world(std::string yaml, const Events& events) {
  auto world = std::make_shared<World>(std::move(yaml));
  world->open_engine(1);  // makes the topics
  world->fill("player-events", events);
  world->open_store();
  return world;
}

void run_until_idle(runtime::Engine& engine) {
  while (must(engine.run_epoch()) != runtime::EpochResult::kIdle) {
  }
}

void run_to_end(runtime::Engine& engine, const IsDone& is_done) {
  engine.end_input();
  engine.start();
  while (!is_done(engine.stats().services)) {
    must(engine.health());
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  engine.stop();
}

Serving::Serving(World& world, Epochs epochs)
    : engine_(world.open_engine(0)),
      api_(std::make_unique<api::Api>(*world.store, engine_.get(), world.clock)),
      server_(must(http::listen(
          *api_,
          {{.port = 0, .threads = std::max(1U, std::thread::hardware_concurrency() / 2)}, {}}))) {
  if (epochs == Epochs::kByEngine) engine_->start();
  server_->start();
}

Serving::~Serving() {
  server_->stop();
  engine_->stop();
}

}  // namespace gameflow::bench
