// POST /players/forget and GET /players/receipts: players who are forgotten.
#pragma once

#include <vector>

#include "api/players.h"
#include "serve/route.h"

namespace gameflow::http {

// `players` outlives the server.
std::vector<serve::Route> player_routes(api::Players& players);

}  // namespace gameflow::http
