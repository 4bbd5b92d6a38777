// What the cases of the engine and of the server run on: a dataflow, its operators, a store in a
// folder of its own that goes away with it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "api/api.h"
#include "app/dataflow_file.h"
#include "base/error.h"
#include "base/time.h"
#include "events.h"
#include "http/server.h"
#include "log/store.h"
#include "opbuild/opbuild.h"
#include "runtime/engine.h"
#include "runtime/stored_services.h"

namespace gameflow::bench {

// The value, or the error thrown: a case that cannot run ends the benchmark.
template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}
inline void must(const Status& status) {
  if (!status) throw std::runtime_error(status.error().message);
}

// Threads started from now on, and this one, share the first core; or may use them all.
void use_one_core();
void use_all_cores();

// CPU time, s: of all threads, and of this one.
double process_cpu_seconds();
double thread_cpu_seconds();

struct TemporaryFolder {
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::filesystem::path path;
};

// --- Dataflows -----------------------------------------------------------------------------------

// A file of the sources: "bench/dataflows/large.yaml". Where it is, and what it says.
std::filesystem::path source_path(std::string_view name);
std::string read_source(std::string_view name);

// The flagship; or only its first service, so often, under other names.
std::string flagship_yaml();
std::string flagship_yaml(std::size_t services);

// `text` with `to` in place of the first `from`, which must occur.
std::string replaced(std::string text, std::string_view from, std::string_view to);

// Where built operators are kept: no case compiles what another has.
std::filesystem::path operator_cache();

// --- Running them --------------------------------------------------------------------------------

const Clock& system_clock();

struct World {
  explicit World(std::string yaml = flagship_yaml()) : World(std::move(yaml), system_clock()) {}
  // `clock` outlives it.
  World(std::string yaml, const Clock& clock);
  // Opens the store, or opens it again: then records come from disk, not from the tail cache.
  void open_store();
  std::unique_ptr<runtime::Engine> open_engine(std::uint32_t threads,
                                               Duration interval = Duration{25});
  // Without what was read and counted before: its input is the whole of the topics.
  std::unique_ptr<runtime::Engine> open_engine_afresh(std::uint32_t threads,
                                                      Duration interval = Duration{25});
  // Appends the events to a topic, a batch to a partition in turn.
  void fill(std::string_view topic, const Events& events);
  // Records in a topic, all its partitions together.
  std::uint64_t records(std::string_view topic) const;

  TemporaryFolder folder;
  const Clock& clock;
  app::DataflowFile file;
  opbuild::Library library;
  std::unique_ptr<log::Store> store;
};

// A world with the events on disk, in its topic player-events.
std::shared_ptr<World> filled_world(std::string yaml, const Events& events);

void run_until_idle(runtime::Engine& engine);
// As in production, where large windows are flushed beside the epochs: all of the input, and then
// the windows that are open. `is_done` says by what is committed whether that is all.
using IsDone = std::function<bool(std::span<const runtime::ServiceStats>)>;
void run_to_end(runtime::Engine& engine, const IsDone& is_done);

// The world as `gameflow run` serves it, on a free port of loopback; half of the cores are the
// server's. A case that runs the epochs itself says so.
class Serving {
 public:
  enum class Epochs { kByEngine, kByCase };

  explicit Serving(World& world, Epochs epochs = Epochs::kByEngine);
  ~Serving();
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;

  runtime::Engine& engine() { return *engine_; }
  std::uint16_t port() const { return server_->port(); }

 private:
  std::unique_ptr<runtime::Engine> engine_;
  std::unique_ptr<api::Api> api_;
  std::unique_ptr<serve::Server> server_;
};

}  // namespace gameflow::bench
