// What the services that read a chunk do with it before the exchange, or instead of it: run their
// functions, then place the records in windows, or write them to the sinks of a pipe. What is the
// same for several of them is done once (docs/design/beginnings.md).
//
// Threads  const; scratch and results are passed in. One worker a chunk.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include <gameflow/abi.h>

#include "base/time.h"
#include "record/arena.h"
#include "record/encoder.h"
#include "runtime/chunk.h"
#include "runtime/delivery.h"
#include "runtime/service.h"
#include "runtime/sinks.h"

namespace gameflow::runtime {

inline constexpr std::size_t kKeyBytesMax = 32U << 10;

// A service that takes a chunk.
struct Taker {
  const Service* service;
  std::optional<Timestamp> gone_until;  // as the epoch begins: windows up to it take no more
  Timestamp future_from;                // event times from here on do not tell the time
  Delivery* delivery;                   // its chunk and input are set
  RowReader* reader;                    // of the worker; may be null
  record::BlockArena* arena;            // of what the functions make
};

// What became of the records of a chunk in a chain. All of it lies in the arena of a taker.
struct Passed {
  abi::ChainFn function;
  std::span<const abi::Emitted> emitted;
  std::vector<abi::RecordError> errors;
  std::span<const abi::StepCount> counts;
};

// A value for the sinks that a record gave at the rows of its key.
struct KeyedOutput {
  abi::Emitted made;
  Text row_key;
  std::uint32_t record;  // in the chunk
  std::uint32_t number;  // among what left the chain
};

// What a worker needs for itself.
struct StepScratch {
  std::vector<Taker> takers;
  std::vector<Passed> passed;  // through the chains of sources, of the chunk at hand
  std::vector<abi::RecordError> errors;
  std::vector<std::uint32_t> records;
  record::Encoder encoder;
  // Of what nobody asks for once the chunk is done: output that is sealed by then, and all that
  // pipes make. For each chunk the same memory, so that it is in the caches.
  record::BlockArena passing;
  SinkScratch sinks;
  ExchangeBuilder exchange;

  // With another chunk.
  void begin();
};

// Fills the deliveries of those in scratch.takers.
void run_steps(const Chunk& chunk, StepScratch& scratch);

// Writes what records of the delivery gave at the rows of their keys, in order of record.
void write_outputs(const Service& service, const std::vector<KeyedOutput>& outputs,
                   RowReader* reader, StepScratch& scratch, Delivery& delivery);

}  // namespace gameflow::runtime
