// The JSON of a running dataflow: its graph, which stays, and its counters, which do not.
#pragma once

#include <boost/json/array.hpp>

#include "api/clock_stats.h"
#include "base/memory_watch.h"
#include "base/time.h"
#include "http/reply.h"
#include "plan/graph.h"
#include "runtime/engine.h"

namespace gameflow::http {

// `memory` may be null.
Reply dataflow_reply(const runtime::Engine& engine, const MemoryWatch* memory,
                     const api::ClocksByPlatform& clocks, Timestamp now);
Reply graph_reply(const plan::Graph& graph);
// What the joins of all services keep. `engine` may be null.
boost::json::array joins_json(const runtime::Engine* engine);

}  // namespace gameflow::http
