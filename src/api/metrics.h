// /metrics: the Prometheus text of everything that the program counts. docs/reference/metrics.md
// lists every family; a test compares the two.
//
// Threads  free functions. Units: base units (seconds, bytes), counters end in _total.
#pragma once

#include <string>

#include "api/api.h"
#include "api/queries.h"
#include "base/time.h"
#include "log/store_health.h"
#include "log/topics.h"
#include "runtime/engine.h"

namespace gameflow::api {

// Prometheus text, version 0.0.4. `engine` is null where no dataflow runs.
std::string render_metrics(const log::Topics& topics, const log::StoreHealth& store,
                           const runtime::Engine* engine, const ProduceStats& produce,
                           const QueryStats& queries, const Clock& clock);

}  // namespace gameflow::api
