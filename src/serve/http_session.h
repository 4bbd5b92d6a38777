// One connection: reads requests, has them answered, writes replies; or becomes a WebSocket.
#pragma once

#include "serve/net.h"
#include "serve/server_state.h"
#include "serve/transport.h"

namespace gameflow::serve {

// Runs on the strand that `transport` was accepted on, until the connection ends.
asio::awaitable<void> serve_connection(ServerState& state, Transport transport,
                                       Connections::Lease lease);

}  // namespace gameflow::serve
