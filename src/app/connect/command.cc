// gameflow connect: runs one connector as a process of its own.

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/connect/engine_transform.h"
#include "app/connect/processes.h"
#include "app/signals.h"
#include "app/terminal.h"
#include "base/time.h"
#include "client/http_client.h"
#include "connect/changes.h"
#include "connect/connector_file.h"
#include "connect/library.h"
#include "connect/progress.h"
#include "connect/reporter.h"
#include "connect/run.h"

namespace gameflow::app {
namespace {

using namespace std::chrono_literals;

constexpr auto kTick = 50ms;
// A library's connector may hang. What is durable is durable, so that nothing is lost with it.
constexpr auto kStopMax = 8s;

// Until a signal, or `done`; then until `done`.
void supervise(TerminationSignals& signals, const std::atomic<bool>& done, std::stop_source& stop,
               const std::string& name) {
  while (!done && signals.wait_for(kTick) == 0) {
  }
  stop.request_stop();
  const auto deadline = std::chrono::steady_clock::now() + kStopMax;
  while (!done) {
    signals.wait_for(kTick);
    if (std::chrono::steady_clock::now() < deadline) continue;
    print_note(fmt::format("{}: it does not stop, and is ended", name));
    std::fflush(nullptr);
    ::_exit(kExitFailed);
  }
}

void print_summary(const std::string& name, const connect::Counts& counts) {
  print_note(fmt::format("{}: {} records ({}), {} rejected, {} retries", name,
                         with_commas(counts.records), with_unit(counts.bytes),
                         with_commas(counts.rejected), with_commas(counts.retries)));
}

int run(const ConnectOptions& options, const connect::ConnectorFile& file,
        connect::Transform* transform) {
  TerminationSignals signals;
  std::stop_source stop;
  client::ServerAddress server = options.server;
  server.checks_certificate = std::getenv(kServerIsParent) == nullptr;
  auto http = client::HttpClient::open(server, stop.get_token());
  auto reports = client::HttpClient::open(server, stop.get_token());
  if (!http) return print_error(http.error());
  if (!reports) return print_error(reports.error());
  const std::string& name = file.connector.name;
  const SystemClock clock;
  connect::Progress progress(file.connector, clock);
  connect::Changes changes(server, file.connector.topics);
  Status result;
  {
    const auto tell = [&](const std::string& line) {
      print_note(fmt::format("{}: {}", name, line));
    };
    const connect::Reporter reporter(std::move(*reports), name, progress, tell);
    std::atomic<bool> done = false;
    const std::jthread runner([&] {
      result = connect::run(
          {.connector = file.connector,
           .http = **http,
           .progress = progress,
           .stop = stop.get_token(),
           .transform = transform,
           .seed = std::random_device{}(),
           .wait_for_records = [&](const std::stop_token& token) { changes.wait(token); },
           .tell = tell,
           .redact = [&](std::string text) { return file.secrets->redact(std::move(text)); }});
      done = true;
    });
    supervise(signals, done, stop, name);
  }
  print_summary(name, progress.counts());
  return result ? kExitFine : print_error(result.error());
}

}  // namespace

int connect_command(const ConnectOptions& options) {
  const auto kinds = connect::kinds_with(options.kinds_library);
  if (!kinds) return print_error(kinds.error());
  const auto file = connect::read_connector(options.file, options.secrets_file, *kinds);
  if (!file) {
    // Mistakes have their place, as those of dataflow.yaml.
    if (file.error().code != ErrorCode::kInvalidArgument) return print_error(file.error());
    std::fputs((file.error().message + "\n").c_str(), stderr);
    return kExitFailed;
  }
  const auto transform = make_transform(file->connector, options.build);
  if (!transform) return print_error(transform.error());
  if (!options.check_only) return run(options, *file, transform->get());
  std::printf("%s is correct\n", options.file.c_str());
  return kExitFine;
}

}  // namespace gameflow::app
