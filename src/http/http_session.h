// One connection: reads requests, has them answered, writes replies; or becomes a WebSocket.
#pragma once

#include "http/net.h"
#include "http/server_state.h"

namespace gameflow::http {

// Runs on the strand that `socket` was accepted on, until the connection ends.
asio::awaitable<void> serve_connection(ServerState& state, Tcp::socket socket,
                                       Connections::Lease lease);

}  // namespace gameflow::http
