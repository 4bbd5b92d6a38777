// An HTTP and WebSocket server over a table of routes.
//
// Threads  serves on its own threads between start() and stop(); these methods belong to one
// thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/tokens.h"
#include "base/error.h"
#include "serve/certificate.h"
#include "serve/route.h"

namespace gameflow::serve {

// What one connection may take. Tests shorten the times.
struct SessionLimits {
  std::size_t header_bytes_max = 16U << 10;
  std::chrono::milliseconds header_time_max{10'000};  // from the first byte of a request
  // A body has so long, and a second more for so many bytes that have come.
  std::chrono::milliseconds body_time{10'000};
  std::size_t body_rate_min = 1'024;
  // Between requests. Proxies keep a connection for 60 s: it is they who close it.
  std::chrono::milliseconds idle_time_max{75'000};
  std::chrono::milliseconds write_time_max{60'000};
  std::chrono::milliseconds linger_time_max{2'000};  // reading on after an early answer
  // Of a WebSocket: a ping after half of it without a sign of life, the end after all of it.
  std::chrono::milliseconds silence_time_max{60'000};
  // Of all connections together, more are answered 503: request bodies, and replies that their
  // clients have not read yet, in memory at a time.
  std::size_t body_bytes_held_max = 256U << 20;
  std::size_t reply_bytes_held_max = 256U << 20;
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 3001;  // 0: any free one
  std::uint32_t threads = 1;
  std::uint32_t workers = 1;  // for routes that are Blocking
  std::size_t body_bytes_max = 8U << 20;
  std::optional<TlsFiles> tls;  // nothing: it speaks http
  // See Connections.
  std::uint32_t connections_max = 20'000;
  std::uint32_t connections_per_address_max = 0;  // 0: half of all; no limit for this machine
  SessionLimits limits;
  // As of MatchOptions.
  bool checks_host = true;
  std::vector<PublicUrl> public_urls;
  std::vector<std::string> allowed_origins;
  // Who may ask for what routes say that they need; nothing: everybody for everything.
  std::optional<auth::Tokens> tokens;
  // For messages: what a person sets the address with, and where the routes are described.
  std::string_view setting = "--listen";
  std::string_view description = "GET / lists the routes";
};

class Server {
 public:
  // What the routes refer to must outlive the server.
  //   kPortInUse (the message says how to pick another), kInvalidArgument (the address); those of
  //   Certificate::open
  static Result<std::unique_ptr<Server>> listen(const ServerOptions& options,
                                                std::vector<Route> routes);
  virtual ~Server() = default;  // stops
  virtual std::uint16_t port() const = 0;
  virtual void start() = 0;
  // Of a server with tokens: from now on these. Streams and WebSockets of those that are not among
  // them any more end. Any thread.
  virtual void replace_tokens(auth::Tokens tokens) = 0;
  // Of a server with TLS: its files once more, as Certificate::reload. Any thread.
  virtual Status reload_certificate() = 0;
  // Accepts nothing new, answers what is running, ends streams, closes WebSockets with 1001, then
  // returns. Takes at most 5 s.
  virtual void stop() = 0;

 protected:
  Server() = default;
};

}  // namespace gameflow::serve
