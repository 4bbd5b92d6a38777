// What all connections of one server share. Outlives them: Server::stop() waits for the last.
#pragma once

#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include "serve/byte_budget.h"
#include "serve/connections.h"
#include "serve/net.h"
#include "serve/route.h"
#include "serve/server.h"
#include "serve/stats.h"

namespace gameflow::serve {

// The kernel's share of a slow client of a WebSocket or stream: more would only be older.
inline constexpr int kSendBufferBytes = 256 << 10;

struct ServerState {
  ServerState(const ServerOptions& the_options, std::vector<Route> the_routes)
      : options(the_options),
        routes(std::move(the_routes)),
        matching{options.checks_host, options.public_urls, options.allowed_origins,
                 options.description},
        workers(options.workers),
        body_budget(options.limits.body_bytes_held_max),
        reply_budget(options.limits.reply_bytes_held_max),
        connections(options.connections_max, options.connections_per_address_max),
        stats(connections) {}

  const ServerOptions options;
  const std::vector<Route> routes;
  const MatchOptions matching;
  asio::io_context io;
  asio::thread_pool workers;
  ByteBudget body_budget;
  ByteBudget reply_budget;
  Connections connections;
  Stats stats;
};

}  // namespace gameflow::serve
