#include "app/run/deployment.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "runtime/stored_services.h"
#include "spec/diagnostic.h"

namespace gameflow::app {
namespace {

using SteadyClock = std::chrono::steady_clock;

double seconds_since(SteadyClock::time_point begin) {
  return std::chrono::duration<double>(SteadyClock::now() - begin).count();
}

}  // namespace

Result<Operators> load_operators(const BuildOptions& options) {
  GF_ASSIGN(DataflowFile file, read_dataflow(options.dataflow, options.package_folders));
  GF_ASSIGN(opbuild::Library library, build_operators(file, options, false));
  return Operators{std::move(file), std::move(library)};
}

Result<std::unique_ptr<Deployment>> Deployment::open(Operators operators, log::Store& store,
                                                     const runtime::Options& options,
                                                     api::Api& api) {
  std::unique_ptr<Deployment> deployment(new Deployment(std::move(operators), store, options, api));
  const Operators& own = deployment->operators_;
  GF_ASSIGN(deployment->engine_,
            runtime::Engine::open(own.file.graph, own.built.functions, store, options));
  api.take_over(deployment->engine_);
  return deployment;
}

Status Deployment::change(const BuildOptions& options) {
  const auto begin = SteadyClock::now();
  GF_ASSIGN(Operators next, load_operators(options));
  if (next.built.file == operators_.built.file &&
      std::ranges::equal(next.file.files, operators_.file.files, {}, &spec::SourceFile::text,
                         &spec::SourceFile::text)) {
    spdlog::info("{} is what runs already", next.file.name);
    return {};
  }
  GF_TRY(runtime::check_stored(*next.file.graph, next.built.functions, store_));
  const double built_in = seconds_since(begin);
  const auto stopped_at = SteadyClock::now();
  {
    const MutexLock lock(exchanging_);
    engine_->stop();
    GF_TRY(exchange(next.file.graph, next.built.functions, nullptr));
    former_graphs_.push_back(std::move(operators_.file.graph));
    operators_ = std::move(next);
  }
  spdlog::info("took over the changed {}: built in {:.2f} s, switched in {:.0f} ms",
               operators_.file.name, built_in, 1000 * seconds_since(stopped_at));
  return {};
}

// Of the engine at rest and one that goes on from what it has stored. Where that cannot, the one
// that was there goes on: nothing was committed, it is where the store is.
Status Deployment::exchange(std::shared_ptr<const plan::Graph> graph,
                            const plan::Functions& functions, runtime::Forgetting* forgetting) {
  runtime::Options taking_over = options_;
  taking_over.takes_over = true;
  taking_over.forgetting = forgetting;
  auto engine = runtime::Engine::open(std::move(graph), functions, store_, taking_over);
  if (!engine) {
    engine_->start();
    return fail(engine.error());
  }
  engine_ = std::move(*engine);
  engine_->start();
  api_.take_over(engine_);
  return {};
}

Status Deployment::forget(const api::Players::AtRest& at_rest) {
  const MutexLock lock(exchanging_);
  const auto stopped_at = SteadyClock::now();
  engine_->stop();
  const auto forgetting = at_rest();
  if (!forgetting || *forgetting == nullptr) {
    engine_->start();
    if (!forgetting) return fail(forgetting.error());
    return {};
  }
  GF_TRY(exchange(operators_.file.graph, operators_.built.functions, *forgetting));
  spdlog::info("a player is out of the states: the engine stood for {:.0f} ms",
               1000 * seconds_since(stopped_at));
  return {};
}

Status tell_left_services(const plan::Graph& graph, const log::Store& store,
                          const std::string& data_folder) {
  GF_ASSIGN(const std::vector<std::string> stored, runtime::stored_services(store));
  for (const std::string& name : stored) {
    if (std::ranges::find(graph.services, name, &plan::Service::name) != graph.services.end())
      continue;
    spdlog::info(
        "service '{0}' is not in the dataflow, but what it stored is kept: to remove that, stop "
        "this server and run 'gameflow service forget {0} --data {1}'",
        name, data_folder);
  }
  return {};
}

}  // namespace gameflow::app
