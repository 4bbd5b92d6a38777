// Reads batches of one partition from disk.
//
// Threads  any.
// Errors   messages name partition and offset; the caller knows the name of the topic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "log/erasures.h"
#include "log/log.h"
#include "log/rocksdb/database.h"

namespace gameflow::log {

// One partition and what it held when the caller looked.
struct LogRange {
  TopicId topic;
  std::uint32_t partition = 0;
  PartitionInfo info;
};

// As Log::read; `from` lies in [begin, end) of the range. kDataCorrupt also where retention has
// removed records since the caller looked: look again before believing it.
Result<ReadResult> read_log(Database& database, const LogRange& range, Offset from,
                            std::size_t bytes_max);

// What an editor makes of the batches from the one with `from` on, up to the one that reaches
// `end`, and up to about `bytes_max` of memory. Nothing is written. As read_log.
struct ErasurePlan {
  struct Changed {
    Offset base;
    std::string value;
    std::size_t bytes_before = 0;
  };
  std::vector<Changed> changed;
  Erased erased;
};
Result<ErasurePlan> plan_erasure(Database& database, const LogRange& range, Offset from, Offset end,
                                 const Editor& editor, std::size_t bytes_max);

// Where the first batch begins that was appended at `time` or later; range.info.end if there is
// none. As read_log.
Result<Offset> find_appended(Database& database, const LogRange& range, Timestamp time);

// What retention would leave of the range at a time of the clock of ages: begin moves, bytes
// shrink. kDataCorrupt
Result<PartitionInfo> plan_retention(Database& database, const LogRange& range,
                                     const TopicConfig& config, Timestamp now);

}  // namespace gameflow::log
