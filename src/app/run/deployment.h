// The dataflow that a server runs, and the one that takes its place.
//
// Threads  one, which starts and stops engines, and that of api::Players, in forget() alone: one
//          waits for the other.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/api.h"
#include "api/players.h"
#include "app/commands.h"
#include "app/dataflow_file.h"
#include "base/error.h"
#include "base/mutex.h"
#include "log/store.h"
#include "opbuild/opbuild.h"
#include "plan/graph.h"
#include "runtime/engine.h"

namespace gameflow::app {

// A dataflow, checked and built.
struct Operators {
  DataflowFile file;
  opbuild::Library built;
};
// What is wrong has been shown on stderr where it fails.
Result<Operators> load_operators(const BuildOptions& options);

class Deployment {
 public:
  // The engine has its state from `store`, and the api knows it; it does not run yet. All are
  // borrowed. Errors as Engine::open.
  static Result<std::unique_ptr<Deployment>> open(Operators operators, log::Store& store,
                                                  const runtime::Options& options, api::Api& api);

  void start() { engine_->start(); }
  void stop() { engine_->stop(); }
  const DataflowFile& file() const { return operators_.file; }

  // Reads the dataflow again and builds it, while the old one runs; then stops the old one at the
  // end of an epoch and goes on with the new one from there. Where the new one has mistakes, or
  // could not go on with what is stored, the old one goes on, and the error says why.
  //   kDataCorrupt, kClosed and the like: nothing runs any more
  Status change(const BuildOptions& options);

  // As api::Players::Rest. Where it fails, the engine that was there goes on.
  Status forget(const api::Players::AtRest& at_rest);

 private:
  Status exchange(std::shared_ptr<const plan::Graph> graph, const plan::Functions& functions,
                  runtime::Forgetting* forgetting);

  Deployment(Operators operators, log::Store& store, const runtime::Options& options, api::Api& api)
      : operators_(std::move(operators)), store_(store), options_(options), api_(api) {}

  Mutex exchanging_;  // held from the stop of an engine to the start of the next
  Operators operators_;
  log::Store& store_;
  const runtime::Options options_;
  api::Api& api_;
  std::shared_ptr<runtime::Engine> engine_;
  // Decoders know types by their address: no graph goes, as no library does.
  std::vector<std::shared_ptr<const plan::Graph>> former_graphs_;
};

// Says which services the store holds that are not in the dataflow: somebody has to decide.
Status tell_left_services(const plan::Graph& graph, const log::Store& store,
                          const std::string& data_folder);

}  // namespace gameflow::app
