// What the system says about this process, from /proc.
//
// Threads  free functions.
#pragma once

#include <cstdint>
#include <optional>

namespace gameflow::api {

struct ProcessStats {
  std::uint64_t resident_bytes = 0, virtual_bytes = 0, open_files = 0;
  double cpu_seconds = 0;         // user and system
  double started_at_seconds = 0;  // Unix time
};

// Nothing where there is no /proc to read.
std::optional<ProcessStats> read_process_stats();

}  // namespace gameflow::api
