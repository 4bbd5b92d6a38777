// The JSON of a running dataflow: its graph, which stays, and its counters, which do not.
#pragma once

#include "base/memory_watch.h"
#include "base/time.h"
#include "http/reply.h"
#include "plan/graph.h"
#include "runtime/engine.h"

namespace gameflow::http {

// `memory` may be null.
Reply dataflow_reply(const runtime::Engine& engine, const MemoryWatch* memory, Timestamp now);
Reply graph_reply(const plan::Graph& graph);

}  // namespace gameflow::http
