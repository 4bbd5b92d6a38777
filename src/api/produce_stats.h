// What is counted of records that come in.
#pragma once

#include <cstdint>
#include <map>

#include "base/error.h"

namespace gameflow::api {

// Process-wide counters of produce(), for /metrics.
struct ProduceStats {
  std::uint64_t requests = 0, accepted = 0, duplicates = 0, rejected = 0, bytes = 0;
  std::map<ErrorCode, std::uint64_t> rejected_by;
};

}  // namespace gameflow::api
