// Where a service that has not read a partition yet starts in it.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "log/log.h"
#include "plan/graph.h"

namespace gameflow::runtime {

// A distance is counted in records, which is not how far offsets are apart: they are read for it.
// The partition's end, or its beginning, where there are fewer. Errors as Log::read().
Result<log::Offset> find_start(const log::Log& log, log::TopicId topic, std::uint32_t partition,
                               plan::StartOffset start);

}  // namespace gameflow::runtime
