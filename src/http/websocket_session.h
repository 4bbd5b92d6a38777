// A WebSocket that is sent a topic.
#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "http/net.h"
#include "http/server_state.h"
#include "http/tail.h"

namespace gameflow::http {

using UpgradeRequest = boost::beast::http::request<boost::beast::http::string_body>;

// Accepts the upgrade and sends what `tail` has, as it comes, until either side ends it.
asio::awaitable<void> serve_websocket(ServerState& state, Tcp::socket socket,
                                      UpgradeRequest request, Tail tail, Connections::Lease& lease);

}  // namespace gameflow::http
