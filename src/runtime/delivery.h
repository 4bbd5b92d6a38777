// What one chunk brings to one service: records for its shards or its topics, and what became of
// the rest.
//
// Services that begin alike share what their beginnings make of it (docs/design/beginnings.md).
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

// The records of a chunk in their windows, and those that are in none.
struct Placement {
  Exchange exchange;
  std::span<const abi::Emitted> emitted;  // what left the chain
  struct Failed {
    std::string_view op;
    Origin origin;
    std::string reason;
  };
  std::vector<Failed> failed;
  std::vector<Origin> late;        // each once
  std::uint64_t records_late = 0;  // with a flat-map several of one origin
  std::uint64_t records_future = 0;
  // The highest time that counts as progress of the partition, if there is one.
  std::optional<Timestamp> progress;

  void clear();
};

struct Delivery {
  const Chunk* chunk = nullptr;
  std::uint32_t input = 0;  // of the service

  // Of this delivery, or of another one of the chunk where it is the same; of a pipe empty.
  const Placement* placement = nullptr;
  Writer out;  // records for the sinks, but for results of windows
  std::uint64_t records_out = 0;
  std::vector<DeadLetter> dead;
  OperatorCounts counts;

  // Others may refer to these as long as the epoch lasts.
  Placement own_placement;
  record::BlockArena arena;  // values that operators made

  // The key of the record with this number among what left the chain: what the chain says it is,
  // else that of the record it was made of.
  Optional<Text> record_key(std::uint32_t number) const;
  void clear();
};

// Of a record of the chunk.
DeadLetter dead_letter(std::string_view service, std::string_view op, const Chunk& chunk,
                       const Origin& origin, std::string reason);

}  // namespace gameflow::runtime
