// gameflow run. Here the parts become one program.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <malloc.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include "api/api.h"
#include "api/players.h"
#include "app/commands.h"
#include "app/connect/processes.h"
#include "app/dashboard_files.h"
#include "app/dataflow_file.h"
#include "app/listen_address.h"
#include "app/logging.h"
#include "app/open_files.h"
#include "app/run/deployment.h"
#include "app/run/file_watch.h"
#include "app/run/service_manager.h"
#include "app/run/token_watch.h"
#include "app/signals.h"
#include "app/terminal.h"
#include "base/calm_clock.h"
#include "base/control_groups.h"
#include "base/memory_reserve.h"
#include "base/memory_watch.h"
#include "http/server.h"
#include "log/rocksdb/rocksdb_store.h"
#include "opbuild/opbuild.h"
#include "plan/graph.h"
#include "runtime/engine.h"
#include "runtime/fresh_start.h"
#include "runtime/stored_services.h"
#include "serve/server.h"
#include "spec/dashboard.h"

namespace gameflow::app {
namespace {

// What the store and the server may have open.
OpenFiles open_files(const RunOptions& options) {
  const OpenFiles wanted{.connections = options.connections_max,
                         .tables = log::RocksdbOptions{}.open_files_max};
  const std::uint64_t limit = raise_open_files_limit();
  const OpenFiles files = share_open_files(limit, wanted);
  if (files.connections < wanted.connections) {
    spdlog::warn(
        "at most {} connections, not {}: the process may have only {} files open (ulimit -n)",
        files.connections, wanted.connections, limit);
  }
  return files;
}

// What the process may take. Before the first thread.
MemoryLimit limit_memory(const RunOptions& options) {
  const MemoryBounds bounds = read_memory_bounds();
  if (bounds.address_space) {
    // Each arena of the heap reserves address space in pieces of 64 MiB.
    const std::uint64_t arenas = *bounds.address_space >> 30;
    ::mallopt(M_ARENA_MAX, static_cast<int>(std::clamp<std::uint64_t>(arenas, 1, 64)));
    install_memory_reserve(std::min<std::uint64_t>(*bounds.address_space / 16, 64U << 20));
  }
  const bool is_default = options.memory_bytes_max == 0;
  const MemoryLimit limit(is_default ? bounds.default_max() : options.memory_bytes_max,
                          bounds.address_space);
  spdlog::info("memory: at most {} MiB{}; cores: {}", limit.max() >> 20,
               is_default ? ", 80 % of what there is" : "", usable_cores());
  return limit;
}

http::ServerOptions server_options(const RunOptions& options, const ListenAddress& address,
                                   const OpenFiles& files, const MemoryLimit& memory) {
  http::ServerOptions server;
  server.connections_max = files.connections;
  server.connections_per_address_max = options.connections_per_address_max;
  server.quota_of_address = options.quota_of_address;
  for (const std::string& url : options.public_urls)
    server.public_urls.push_back(serve::parse_public_url(url).value());
  server.limits.body_bytes_held_max = server.limits.reply_bytes_held_max =
      std::min<std::uint64_t>(server.limits.body_bytes_held_max, memory.max() / 8);
  server.address = address.host;
  server.port = address.port;
  server.allowed_origins = options.allowed_origins;
  if (options.speaks_tls()) server.tls = serve::TlsFiles{options.tls_certificate, options.tls_key};
  // Half of the cores are the engine's.
  server.threads = std::max(1U, usable_cores() / 2);
  if (!options.web_folder.empty()) server.web_folder = options.web_folder;
  return server;
}

// Events may be about people: the data is this user's alone, whatever the umask, which is returned.
mode_t keep_private(const std::filesystem::path& folder) {
  const mode_t before = ::umask(0077);
  std::error_code error;
  if (std::filesystem::exists(folder, error))
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  if (error)
    spdlog::warn("cannot keep others out of the data folder {}: {}", folder.string(),
                 error.message());
  return before;
}

// What its connectors are given: what this program was.
std::vector<std::string> connector_arguments(const RunOptions& options, const std::string& server) {
  std::vector<std::string> arguments = {"--server", server, "--compiler", options.build.compiler};
  const auto add = [&](const char* flag, const std::string& value) {
    if (!value.empty()) arguments.insert(arguments.end(), {flag, value});
  };
  add("--cache", options.build.cache_folder.string());
  add("--library", options.kinds_library);
  add("--secrets", options.secrets_file);
  for (const std::string& folder : options.build.package_folders) add("--package-path", folder);
  return arguments;
}

std::unique_ptr<ConnectorProcesses> connectors_of(const RunOptions& options,
                                                  const ListenAddress& address,
                                                  const std::optional<TokenWatch>& tokens,
                                                  mode_t file_mask) {
  std::map<std::string, std::string> variables;
  if (tokens) variables["GAMEFLOW_TOKEN"] = tokens->own_token();
  if (options.speaks_tls()) variables[kServerIsParent] = "1";
  return connector_processes(connector_arguments(options, local_url(address, options.speaks_tls())),
                             variables, file_mask);
}

// What --watch looks at. Each by itself: a connector's file that was removed hides no change of the
// dataflow.
struct Watches {
  FileWatch dataflow, connectors{{}}, dashboards{{}};

  void watch(const DataflowFile& file) {
    dataflow.watch(files_of(file));
    connectors.watch(file.connectors);
  }
};

void take_over_dashboards(const DataflowFile& file, api::Api& api) {
  auto dashboards = read_dashboards(file);
  if (dashboards) {
    spdlog::info("{} dashboard{} taken over", dashboards->size(),
                 dashboards->size() == 1 ? "" : "s");
    return api.dashboards().replace(std::move(*dashboards));
  }
  print_error(dashboards.error());
  spdlog::warn("the dashboards as they were before this change stay");
}

void take_over_dataflow(Deployment& deployment, ConnectorProcesses& connectors,
                        const RunOptions& options) {
  if (const Status changed = deployment.change(options.build); !changed) {
    print_error(changed.error());
    spdlog::warn("the dataflow as it was before this change goes on");
  }
  const std::vector<std::string>& files = deployment.file().connectors;
  if (const Status correct = check_connectors(files, options.kinds_library); correct) {
    connectors.run(files);
  } else {
    print_error(correct.error());
    spdlog::warn("the connectors as they were before this change go on");
  }
}

// Takes over changes of the dataflow, its connectors and its dashboards, if there are any.
void look_for_changes(Watches& watches, Deployment& deployment, ConnectorProcesses& connectors,
                      const RunOptions& options, api::Api& api, ServiceManager& manager,
                      const std::string& status) {
  watches.dashboards.follow(dashboard_files(deployment.file()));
  const bool is_other_dataflow = watches.dataflow.has_changed();
  const bool are_other_connectors = watches.connectors.has_changed();
  const bool are_other_dashboards = watches.dashboards.has_changed();
  if (!is_other_dataflow && !are_other_connectors && !are_other_dashboards) return;
  manager.reloading();
  if (is_other_dataflow || are_other_connectors)
    take_over_dataflow(deployment, connectors, options);
  if (is_other_dataflow || are_other_dashboards) take_over_dashboards(deployment.file(), api);
  watches.watch(deployment.file());
  manager.ready(status);
}

// Whether waiting is enough: a full disk or memory passes, whereas a store that has failed to write
// takes nothing more until a restart.
bool recovers(const Status& ready) {
  return ready || ready.error().code == ErrorCode::kDiskFull ||
         ready.error().code == ErrorCode::kMemoryFull;
}

// Something to look at now and then.
struct Look {
  std::optional<std::chrono::milliseconds> every;  // nothing: never
  std::function<void()> at;
};

void tell_watched(const DataflowFile& file) {
  std::vector<std::string> all = files_of(file);
  all.insert(all.end(), file.connectors.begin(), file.connectors.end());
  for (const std::string& name : dashboard_files(file)) all.push_back(name);
  spdlog::info("watching {} for changes", fmt::join(all, ", "));
}

// The number of the next signal. Until then it looks at what there is to be looked at, and the
// service manager hears that the server is alive.
int next_signal(TerminationSignals& signals, const std::vector<Look>& looks, const api::Api& api,
                ServiceManager& manager) {
  const auto alive_every = manager.alive_every();
  std::optional<std::chrono::milliseconds> pause = alive_every;
  for (const Look& look : looks)
    if (look.every) pause = std::min(pause.value_or(*look.every), *look.every);
  if (!pause) return signals.wait();
  for (;;) {
    if (alive_every && recovers(api.ready())) manager.alive();
    if (const int signal = signals.wait_for(*pause); signal != 0) return signal;
    for (const Look& look : looks)
      if (look.every) look.at();
  }
}

// The number of the signal that ends the server.
int serve_until_end(TerminationSignals& signals, const std::vector<Look>& looks,
                    const api::Api& api, ServiceManager& manager, serve::Server& server) {
  for (;;) {
    const int signal = next_signal(signals, looks, api, manager);
    if (signal != SIGHUP) return signal;
    if (const Status reloaded = server.reload_certificate(); !reloaded)
      spdlog::error("{}; the certificate as it was before goes on", reloaded.error().message);
  }
}

// What is cleared, which is said before it is done. All of it, or nothing.
Status start_afresh(const plan::Graph& graph, const RunOptions& options, log::Store& store) {
  log::Commit all;
  std::map<std::string, runtime::FreshStart> starts;
  for (const std::string& name : options.cleared) {
    GF_ASSIGN(starts[name], runtime::plan_fresh_start(graph, name, options.cleared_from, store));
  }
  for (auto& [name, fresh] : starts) {
    spdlog::warn("{}", fresh.told);
    std::ranges::move(fresh.commit.erase, std::back_inserter(all.erase));
    std::ranges::move(fresh.commit.put, std::back_inserter(all.put));
  }
  if (all.erase.empty() && all.put.empty()) return {};
  GF_TRY(store.commit(std::move(all)));
  return {};
}

// "listening on http://127.0.0.1:3001", which is said.
std::string tell_listening(const std::string& url, const DataflowFile& file,
                           const std::string& data_folder) {
  std::string status = fmt::format("listening on {}", url);
  fmt::print("{}\n", status);
  std::fflush(stdout);
  spdlog::info("running {} ({}), data in {}", file.name, file.graph->name, data_folder);
  return status;
}

Result<std::unique_ptr<log::DurableStore>> open_store(const RunOptions& options,
                                                      const OpenFiles& files, const Clock& clock) {
  return log::open_rocksdb_store({.folder = options.data_folder,
                                  .durability = options.durability,
                                  .disk_free_bytes_min = options.disk_free_bytes_min,
                                  .open_files_max = files.tables,
                                  .accept_loss = options.accept_loss,
                                  .clock = &clock});
}

// Brings everything up, in order of dependence, and down again in the reverse order.
Status serve(const RunOptions& options, Operators operators,
             std::vector<spec::Dashboard> dashboards, Watches& watches,
             const ListenAddress& address, const MemoryLimit& limit, ServiceManager& manager) {
  // Before the first thread.
  TerminationSignals signals(options.speaks_tls() ? Hangup::kReload : Hangup::kEnds);
  const mode_t file_mask = keep_private(options.data_folder);
  const SystemClock machine_clock;
  const CalmClock clock(machine_clock, {},
                        [](const std::string& text) { spdlog::warn("{}", text); });
  std::optional<TokenWatch> tokens;
  if (!options.auth_file.empty()) {
    GF_ASSIGN(tokens, TokenWatch::open(options.auth_file));
  }
  const OpenFiles files = open_files(options);
  MemoryWatch memory(limit, machine_clock,
                     [counts = limit.counts_address_space()] { return read_memory_use(counts); });
  GF_ASSIGN(const std::unique_ptr<log::DurableStore> store, open_store(options, files, clock));
  GF_TRY(start_afresh(*operators.file.graph, options, *store));
  GF_TRY(tell_left_services(*operators.file.graph, *store, options.data_folder.string()));
  api::Api api(*store, nullptr, clock, &memory);
  api.dashboards().replace(std::move(dashboards));
  GF_ASSIGN(
      const std::unique_ptr<Deployment> deployment,
      Deployment::open(std::move(operators), *store,
                       {.threads = options.threads, .clock = &clock, .memory = &memory}, api));
  api::Players players(
      api, *store, *store,
      [&deployment](const api::Players::AtRest& at_rest) { return deployment->forget(at_rest); },
      clock);
  http::ServerOptions of_server = server_options(options, address, files, limit);
  of_server.players = &players;
  of_server.backups = store.get();
  if (tokens) of_server.tokens = tokens->tokens();
  GF_ASSIGN(const std::unique_ptr<serve::Server> server, http::listen(api, of_server));
  deployment->start();
  GF_TRY(players.load());
  std::jthread forgetting([&players](const std::stop_token& stop) { players.run(stop); });
  server->start();
  const ListenAddress listening{address.host, server->port()};
  const std::string status = tell_listening(to_url(listening, options.speaks_tls()),
                                            deployment->file(), options.data_folder.string());

  auto connectors = connectors_of(options, listening, tokens, file_mask);
  connectors->run(deployment->file().connectors);

  using std::chrono::milliseconds;
  if (options.watch) {
    watches.watch(deployment->file());
    tell_watched(deployment->file());
  }
  manager.ready(status);
  const Look at_files{
      options.watch ? std::optional(milliseconds(50)) : std::nullopt,
      [&] { look_for_changes(watches, *deployment, *connectors, options, api, manager, status); }};
  // Twice, and a token that was revoked is refused.
  const Look at_tokens{tokens ? std::optional(milliseconds(200)) : std::nullopt,
                       [&] { tokens->look(*server); }};
  const int signal = serve_until_end(signals, {at_files, at_tokens}, api, manager, *server);
  manager.stopping();
  spdlog::info("stopping on signal {}: once more stops at once", signal);
  connectors.reset();
  server->stop();
  forgetting.request_stop();
  forgetting.join();
  deployment->stop();
  store->close();
  spdlog::info("stopped");
  return {};
}

Result<ListenAddress> checked_address(const RunOptions& options) {
  const std::optional<ListenAddress> address = parse_listen_address(options.listen);
  if (!address) {
    return fail(ErrorCode::kUsage,
                fmt::format("--listen is '{}': it must be ADDRESS:PORT, such as 127.0.0.1:3001 or "
                            "[::1]:3001",
                            options.listen));
  }
  if (!is_loopback(*address) && options.auth_file.empty() && !options.insecure_no_auth) {
    return fail(ErrorCode::kUsage,
                fmt::format("{} can be reached from other machines, and nobody is asked for a "
                            "token: whoever connects can read, write and delete every topic. Say "
                            "who may with --auth FILE (`gameflow token create`), listen on "
                            "127.0.0.1 behind a proxy that asks who it is, or add "
                            "--insecure-no-auth if the network is closed",
                            options.listen));
  }
  return *address;
}

}  // namespace

int run_command(const RunOptions& options) {
  set_up_logging(options.log_level);
  const auto address = checked_address(options);
  if (!address) {
    print_error(address.error());
    return kExitUsage;
  }
  // Whoever renews the certificate need not know that the operators are still being built.
  if (options.speaks_tls()) std::signal(SIGHUP, SIG_IGN);
  ServiceManager manager;  // before the compiler runs
  const MemoryLimit memory = limit_memory(options);
  Watches watches{.dataflow = FileWatch({options.build.dataflow})};  // from before it is read
  auto operators = load_operators(options.build);
  if (!operators) return print_error(operators.error());
  if (const Status status = check_connectors(operators->file.connectors, options.kinds_library);
      !status)
    return print_error(status.error());
  watches.dashboards.watch(dashboard_files(operators->file));
  auto dashboards = read_dashboards(operators->file);
  if (!dashboards) return print_error(dashboards.error());
  spdlog::info("operators {} {}", operators->built.was_cached ? "cached in" : "built, kept in",
               operators->built.file.string());
  const Status status = serve(options, std::move(*operators), std::move(*dashboards), watches,
                              *address, memory, manager);
  return status ? kExitFine : print_error(status.error());
}

}  // namespace gameflow::app
