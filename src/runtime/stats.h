// What is told of a running dataflow: counters, positions, sizes, times.
//
// Made at the end of an epoch and never changed, so that who asks waits for nobody.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "runtime/dead_letter.h"

namespace gameflow::runtime {

struct PartitionStats {
  std::string topic;
  std::uint32_t partition = 0;
  std::uint64_t next_offset = 0;       // the next record the service will read
  std::uint64_t end_offset = 0;        // lag = end_offset - next_offset
  std::optional<Timestamp> watermark;  // nothing before the first record
  bool idle = false;
};

struct StateStats {
  std::string name;
  std::uint64_t rows = 0;  // in open windows
  std::uint64_t bytes = 0;
};

// A `run:` block, since the start of the process.
struct OperatorStats {
  std::string node;      // id, as in plan::Description…
  std::size_t step = 0;  // …and its place among the functions there
  std::string name;
  std::uint64_t in = 0;              // of flush: windows
  std::optional<std::uint64_t> out;  // nothing: update-state
  std::uint64_t failed = 0;
};

// Records of the last minute, of steady time.
struct LateStats {
  std::uint64_t records = 0, late = 0;
  std::string reason;  // the likely one: which partition leads the watermark; for a person

  double ratio() const {
    return records == 0 ? 0 : static_cast<double>(late) / static_cast<double>(records);
  }
};

// Counters count since the dataflow first ran: they are committed with the state. Those of
// operators, and timestamp_fallbacks, since the start of the process.
struct ServiceStats {
  std::string name;
  std::uint64_t records_in = 0;
  std::uint64_t records_out = 0;   // to sinks
  std::uint64_t records_late = 0;  // for a window that had closed
  std::uint64_t records_dead = 0;  // to the dead letters
  // Stamped so far ahead of the clock that they do not tell the time.
  std::uint64_t records_future = 0;
  std::uint64_t records_expired = 0;  // removed by retention before they were read
  std::uint64_t windows_open = 0, windows_closed = 0;
  std::uint64_t results_early = 0, results_corrected = 0;
  std::optional<Timestamp> watermark;
  std::uint64_t records_skipped = 0;      // failed, with `on-error: skip`
  std::uint64_t timestamp_fallbacks = 0;  // times not readable, for which parse_time gave another
  std::optional<Stop> stopped = {};       // with `on-error: fail`: where and why
  bool is_held = false;                   // it gets no input, as memory is full of its state
  LateStats last_minute;
  std::vector<PartitionStats> partitions;
  std::vector<StateStats> states;
  std::vector<OperatorStats> operators;
};

// Where the time of epochs goes, seconds since the start of the process.
struct EpochSeconds {
  double read = 0;    // from the store
  double decode = 0;  // and run the functions in front of the exchange
  double update = 0;  // the shards
  double flush = 0;   // windows that close, as far as an epoch waits for them
  double commit = 0;

  double sum() const { return read + decode + update + flush + commit; }
};

// A table of the dataflow.
struct TableStats {
  std::string name;
  std::uint64_t rows = 0;
  std::string problem;  // why it is not as its file says; empty: it is
};

struct EngineStats {
  std::uint64_t epochs = 0;  // since the start of the process
  EpochSeconds seconds;
  std::vector<ServiceStats> services;
  std::vector<TableStats> tables = {};
};

}  // namespace gameflow::runtime
