// What a service does with a chunk before the exchange, or instead of it: run its functions, then
// place the records in windows, or write them to the sinks of a pipe.
//
// Threads  const; scratch and result are passed in. One worker a delivery.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <gameflow/abi.h>

#include "base/time.h"
#include "runtime/chunk.h"
#include "runtime/delivery.h"
#include "runtime/service.h"
#include "runtime/sinks.h"

namespace gameflow::runtime {

inline constexpr std::size_t kKeyBytesMax = 32U << 10;

// The same for all chunks of an epoch.
struct StepRules {
  std::optional<Timestamp> closed_until;  // as the epoch begins: windows up to it take no more
  Timestamp future_from;                  // event times from here on do not tell the time
};

// A value for the sinks that a record gave at the rows of its key.
struct KeyedOutput {
  abi::Emitted made;
  Text row_key;
  std::uint32_t record;  // in the chunk
};

// What a worker needs for itself.
struct StepScratch {
  std::vector<abi::RecordError> errors;
  std::vector<abi::Emitted> emitted;
  std::vector<std::uint32_t> records;
  std::string json;
  SinkScratch sinks;
};

// Fills `delivery`, whose chunk and input are set.
void run_steps(const Service& service, const StepRules& rules, StepScratch& scratch,
               Delivery& delivery);

// Writes what records of the delivery gave at the rows of their keys, in order of record.
void write_outputs(const Service& service, const std::vector<KeyedOutput>& outputs,
                   StepScratch& scratch, Delivery& delivery);

}  // namespace gameflow::runtime
