// What all connections of one server share. Outlives them: Server::stop() waits for the last.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include "api/api.h"
#include "http/change_hub.h"
#include "http/connections.h"
#include "http/http_stats.h"
#include "http/net.h"
#include "http/routes.h"
#include "http/server.h"
#include "http/static_files.h"

namespace gameflow::http {

// What one connection may take. Tests shorten the times.
struct SessionLimits {
  std::size_t header_bytes_max = 16U << 10;
  std::chrono::milliseconds header_time_max{10'000};  // from the first byte of a request
  std::chrono::milliseconds body_time_max{30'000};
  std::chrono::milliseconds idle_time_max{60'000};  // between requests
  std::chrono::milliseconds write_time_max{60'000};
  std::chrono::milliseconds linger_time_max{2'000};  // reading on after an early answer
  // Of a WebSocket: a ping after half of it without a sign of life, the end after all of it.
  std::chrono::milliseconds silence_time_max{60'000};
  // Of all connections together, more are answered 503: request bodies, and replies that their
  // clients have not read yet.
  std::size_t body_bytes_held_max = 256U << 20;
  std::size_t reply_bytes_held_max = 256U << 20;
};

// Bytes that are in use now, out of a fixed number.
class ByteBudget {
 public:
  explicit ByteBudget(std::size_t bytes_max) : max_(bytes_max) {}
  bool take(std::size_t bytes) {
    if (used_.fetch_add(bytes) + bytes <= max_) return true;
    used_.fetch_sub(bytes);
    return false;
  }
  void give(std::size_t bytes) { used_.fetch_sub(bytes); }

 private:
  const std::size_t max_;
  std::atomic<std::size_t> used_ = 0;
};

struct ServerState {
  ServerState(api::Api& the_api, const ServerOptions& the_options, const SessionLimits& the_limits,
              bool loopback)
      : options(the_options),
        limits(the_limits),
        files(web_files(), options.web_folder),
        body_budget(limits.body_bytes_held_max),
        reply_budget(limits.reply_bytes_held_max),
        connections(options.connections_max),
        stats(connections),
        routes{the_api, files, stats, options.body_bytes_max, loopback},
        hub(the_api.log()) {}

  const ServerOptions options;
  const SessionLimits limits;
  asio::io_context io;
  // For Work::kBlocking. More than there may be queries: what is not one never waits behind them,
  // and a query too many is told so at once.
  asio::thread_pool workers{api::Api::kQueriesMax + 2};
  const StaticFiles files;
  ByteBudget body_budget;
  ByteBudget reply_budget;
  Connections connections;
  HttpStats stats;
  const RouteContext routes;
  ChangeHub hub;
};

// Server::listen with other limits, for tests.
Result<std::unique_ptr<Server>> listen_with_limits(api::Api& api, const ServerOptions& options,
                                                   const SessionLimits& limits);

}  // namespace gameflow::http
