// A WebSocket that is sent messages.
#pragma once

#include <memory>

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "serve/connections.h"
#include "serve/messages.h"
#include "serve/net.h"
#include "serve/server_state.h"
#include "serve/signal.h"
#include "serve/transport.h"

namespace gameflow::serve {

using UpgradeRequest = boost::beast::http::request<boost::beast::http::string_body>;

// A connection that is to become a WebSocket.
struct Upgrade {
  Transport transport;
  UpgradeRequest request;
  std::unique_ptr<Messages> messages;
  std::shared_ptr<Signal> signal;  // that wakes whoever waits for them
};

// Accepts the upgrade and sends messages, as they come, until either side ends it.
asio::awaitable<void> serve_websocket(const SessionLimits& limits, Upgrade upgrade,
                                      Connections::Lease& lease);

}  // namespace gameflow::serve
