// What all connections of one server share. Outlives them: Server::stop() waits for the last.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include "serve/byte_budget.h"
#include "serve/certificate.h"
#include "serve/connections.h"
#include "serve/gate.h"
#include "serve/net.h"
#include "serve/route.h"
#include "serve/server.h"
#include "serve/stats.h"

namespace gameflow::serve {

// The kernel's share of a slow client of a WebSocket or stream: more would only be older.
inline constexpr int kSendBufferBytes = 256 << 10;

// Of connections beyond the ordinary ones: their places are few, and others wait for them.
inline SessionLimits hurried(SessionLimits limits) {
  using std::chrono::milliseconds;
  limits.header_time_max = std::min(limits.header_time_max, milliseconds(1'000));
  limits.idle_time_max = std::min(limits.idle_time_max, milliseconds(1'000));
  limits.body_time = std::min(limits.body_time, milliseconds(1'000));
  limits.body_rate_min = std::max<std::size_t>(limits.body_rate_min, 64U << 10);
  limits.linger_time_max = std::min(limits.linger_time_max, milliseconds(200));
  return limits;
}

struct ServerState {
  ServerState(const ServerOptions& the_options, std::vector<Route> the_routes,
              std::unique_ptr<Certificate> the_certificate)
      : options(the_options),
        hurried_limits(hurried(options.limits)),
        routes(std::move(the_routes)),
        certificate(std::move(the_certificate)),
        matching{options.checks_host, longest_first(options.public_urls), options.allowed_origins,
                 options.description},
        workers(options.workers),
        body_budget(options.limits.body_bytes_held_max),
        reply_budget(options.limits.reply_bytes_held_max),
        connections(options.connections_max, options.connections_per_address_max),
        stats(connections) {
    if (options.tokens) gate.emplace(*options.tokens, stats);
  }

  const ServerOptions options;
  const SessionLimits hurried_limits;
  const std::vector<Route> routes;
  const std::unique_ptr<Certificate> certificate;  // nothing: connections speak without TLS
  const MatchOptions matching;
  asio::io_context io;
  asio::thread_pool workers;
  ByteBudget body_budget;
  ByteBudget reply_budget;
  Connections connections;
  Stats stats;
  std::optional<Gate> gate;  // nothing: nobody is asked who they are
};

}  // namespace gameflow::serve
