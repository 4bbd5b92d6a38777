// /metrics: everything that the program counts, as families of Prometheus.
// docs/reference/metrics.md lists every family; a test compares the two.
//
// Threads  free functions. Units: base units (seconds, bytes), counters end in _total.
#pragma once

#include <string>
#include <vector>

#include "api/api.h"
#include "api/metric_families.h"
#include "api/queries.h"
#include "base/memory_watch.h"
#include "base/time.h"
#include "log/store_health.h"
#include "log/topics.h"
#include "runtime/engine.h"

namespace gameflow::api {

struct Measured {
  const log::Topics& topics;
  const log::StoreHealth& store;
  const runtime::Engine* engine;  // null: no dataflow runs
  ProduceStats produce;
  ClocksByPlatform clocks;
  QueryStats queries;
  std::vector<Connector> connectors;
  const MemoryWatch* memory;  // null: no limit
  Timestamp now;
};

Families measure(const Measured& of);

}  // namespace gameflow::api
