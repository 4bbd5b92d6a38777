// What one chunk brings to one service: records for its shards or its topics, and what became of
// the rest.
//
// Threads  filled by one worker, then read by many. Reused from epoch to epoch, for its memory.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gameflow/abi.h>

#include "base/time.h"
#include "record/arena.h"
#include "runtime/chunk.h"
#include "runtime/dead_letter.h"
#include "runtime/exchange.h"
#include "runtime/writer.h"

namespace gameflow::runtime {

struct Delivery {
  const Chunk* chunk = nullptr;
  std::uint32_t input = 0;  // of the service

  Exchange exchange;                       // with states: records for the shards
  std::span<const abi::Emitted> emitted;   // what left the chain; in `arena`, or empty in a pipe
  Writer out;                              // records for the sinks, but for results of windows
  std::uint64_t records_out = 0;

  std::vector<DeadLetter> dead;
  std::vector<Origin> late;        // each once
  std::uint64_t records_late = 0;  // with a flat-map several of one origin
  std::uint64_t records_future = 0;
  // The highest time that counts as progress of the partition, if there is one.
  std::optional<Timestamp> progress;

  record::BlockArena arena;  // values that operators made

  void clear();
};

// Of a record of the chunk.
DeadLetter dead_letter(std::string_view service, std::string_view op, const Chunk& chunk,
                       const Origin& origin, std::string reason);

}  // namespace gameflow::runtime
