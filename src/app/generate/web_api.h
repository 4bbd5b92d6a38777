// The web API of `gameflow generate --serve`: its routes. Reference: docs/reference/web-api.md.
//
// Threads  any.
#pragma once

#include <vector>

#include "app/generate/event_stream.h"
#include "generate/event_kind.h"
#include "serve/route.h"

namespace gameflow::app {

// `stream` must outlive them. `kinds`: those that it has.
std::vector<serve::Route> web_api_routes(EventStream& stream,
                                         const std::vector<generate::EventKind>& kinds);

}  // namespace gameflow::app
