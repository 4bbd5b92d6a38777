#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <malloc.h>

#include "app/commands.h"
#include "app/generate/event_stream.h"
#include "app/generate/feeds.h"
#include "app/generate/profiles.h"
#include "app/generate/web_api.h"
#include "app/listen_address.h"
#include "app/logging.h"
#include "app/signals.h"
#include "app/terminal.h"
#include "base/control_groups.h"
#include "generate/feed.h"
#include "serve/server.h"

namespace gameflow::app {
namespace {

constexpr std::chrono::milliseconds kTick{50};

Status serve_until_signal(const GenerateOptions& options, std::uint64_t seed,
                          TerminationSignals& signals) {
  const SystemClock clock;
  const Timestamp start = clock.now();
  GF_ASSIGN(NamedFeed made, make_named_feed(options, seed, start));
  const bool is_game = options.profile == GenerateProfile::kGame;
  const Pace pace(options, (is_game ? options.from : options.start_time).value_or(start), start);
  EventStream stream(std::move(made.feed), {.name = made.name,
                                            .until = [&] { return pace.until(clock.now()); },
                                            .on_demand = pace.is_unpaced()});
  const ListenAddress address = parse_listen_address(options.serve).value();  // checked as a flag
  serve::ServerOptions served;
  served.address = address.host;
  served.port = address.port;
  served.threads = std::clamp(usable_cores(), 1U, 4U);
  served.setting = "--serve";
  // Under whatever name it is reached: what it says is made up, and nobody's secret.
  served.checks_host = false;
  GF_ASSIGN(const auto server,
            serve::Server::listen(served, web_api_routes(stream, options.kinds)));
  server->start();
  fmt::print("listening on http://{}\n", to_string(ListenAddress{address.host, server->port()}));
  std::fflush(stdout);
  while (signals.wait_for(kTick) == 0) stream.advance();
  server->stop();
  print_note(fmt::format("{} events, seed {}", with_commas(stream.range().end), made.seed));
  return {};
}

}  // namespace

int generate_served(const GenerateOptions& options, std::uint64_t seed) {
  // One heap, before the first thread. Whichever thread needs the next block makes it: where each
  // has a heap of its own, what one frees does not serve the others (437 MiB instead of 299).
  ::mallopt(M_ARENA_MAX, 1);
  set_up_logging("warn");
  TerminationSignals signals;
  const Status served = serve_until_signal(options, seed, signals);
  return served ? kExitFine : print_error(served.error());
}

}  // namespace gameflow::app
