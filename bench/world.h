// What the cases of the engine and of the server run on: the flagship dataflow, its operators, a
// store in a folder of its own that goes away with it.
#pragma once

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <utility>

#include "app/dataflow_file.h"
#include "base/error.h"
#include "base/time.h"
#include "log/store.h"
#include "opbuild/opbuild.h"

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

struct TemporaryFolder {
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::filesystem::path path;
};

struct World {
  World();
  // Opens the store, or opens it again: then records come from disk, not from the tail cache.
  void open_store();

  TemporaryFolder folder;
  SystemClock clock;
  app::DataflowFile file;
  opbuild::Library library;
  std::unique_ptr<log::Store> store;
};

}  // namespace gameflow::bench
