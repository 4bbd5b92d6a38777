#include "world.h"

#include <cstdlib>
#include <string>
#include <thread>

#include <sched.h>

#include "log/rocksdb/rocksdb_store.h"

namespace gameflow::bench {
namespace {

void use_cores(unsigned count) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  for (unsigned core = 0; core < count; ++core) CPU_SET(core, &cores);
  sched_setaffinity(0, sizeof cores, &cores);
}

}  // namespace

void use_one_core() {
  use_cores(1);
}
void use_all_cores() {
  use_cores(CPU_SETSIZE);
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "gameflow-bench-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
  path = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::filesystem::remove_all(path);
}

World::World()
    : file(must(app::read_dataflow(GAMEFLOW_SOURCE_DIR "/games/gaming-analytics/dataflow.yaml"))) {
  app::BuildOptions build;
  build.cache_folder = folder.path / "cache";
  library = must(app::build_operators(file, build, false));
  open_store();
}

void World::open_store() {
  store.reset();
  store = must(log::open_rocksdb_store({.folder = folder.path / "data", .clock = &clock}));
}

}  // namespace gameflow::bench
