// Where a service stands in its input. A value: an epoch works on a copy, which takes the place of
// the old one once it is committed.
#pragma once

#include <cstdint>
#include <vector>

#include "base/time.h"
#include "log/store.h"
#include "runtime/results.h"
#include "window/trigger.h"
#include "window/watermark.h"

namespace gameflow::runtime {

// Count since the service first ran.
struct Counters {
  std::uint64_t records_in = 0, records_out = 0, records_late = 0, records_dead = 0;
  std::uint64_t records_future = 0, records_expired = 0, windows_closed = 0;
  std::uint64_t records_skipped = 0;
  std::uint64_t results_early = 0, results_corrected = 0;
};

struct Positions {
  std::vector<log::Offset> next;  // one for each input of the service
  window::Watermark watermark{0, {}, {}};
  window::Closed closed;
  Results results;
  Counters counters;
};

}  // namespace gameflow::runtime
