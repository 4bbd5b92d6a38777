// A window becomes records for the sinks: flush and its SQL, then the chains of the sinks.
//
// What a flush reads are versions of tables, which nobody changes: it may run in an epoch or beside
// many of them. Where a window is made of many panes, their rows are merged for it.
//
// Threads  a Flusher belongs to one service and one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gameflow/abi.h>

#include "base/error.h"
#include "plan/graph.h"
#include "query/query.h"
#include "record/arena.h"
#include "runtime/dead_letter.h"
#include "runtime/row_reader.h"
#include "runtime/service.h"
#include "runtime/sinks.h"
#include "state/layout.h"
#include "state/pane_merger.h"
#include "state/version.h"
#include "window/assigner.h"
#include "window/trigger.h"

namespace gameflow::runtime {

// Larger results are a dead letter: nobody could read them. A `limit` in the query is the way out.
inline constexpr std::size_t kOutputBytesMax = 64U << 20;

struct PaneRows {
  std::int64_t number = 0;
  struct Shard {
    std::shared_ptr<const state::TableVersion> rows;  // null: it has none
    std::uint64_t stamp = 0;                          // as state::Shard::Window
  };
  std::vector<Shard> shards;
};

struct WindowRows {
  window::Span window;
  window::Kind kind;
  std::vector<std::shared_ptr<const PaneRows>> panes;  // in order of time
  SourceTables::Rows tables = {};                      // as they were when it was due
  std::size_t windows = 1;                             // that it is: of sessions perhaps more
};

// What became of a window. Large, and kept until it is committed: so it is shared.
struct Flushed {
  window::Span window;
  window::Kind kind;
  std::size_t windows = 1;
  struct Record {
    std::uint32_t sink;  // of the service
    std::optional<std::string_view> key;
    std::string_view value;  // JSON, as copy_padded() has it
    Timestamp time;
  };
  std::vector<Record> records;
  record::BlockArena text{1U << 10};  // of the records
  std::vector<DeadLetter> dead;
  OperatorCounts counts;
};

using FlushedPtr = std::shared_ptr<const Flushed>;

class Flusher {
 public:
  // All outlive the flusher.
  Flusher(const plan::Graph& graph, const Service& service, const RowSource& source);

  FlushedPtr run(const WindowRows& rows);
  // Gives back what is kept from one run to the next.
  void release_memory();
  // Of merged rows that are kept. Any thread may ask.
  std::size_t bytes() const { return merger_ ? merger_->bytes() : 0; }

 private:
  class Result;
  // `session`: whose fault it is; null: it is of the whole window, or of all sessions.
  void add_failure(std::string_view op, const Error& error, const state::Entry* session,
                   Flushed& flushed) const;
  void add_result(const void* value, std::uint32_t sink, std::optional<std::string_view> key,
                  Timestamp time, Flushed& flushed);
  query::Shards merged(const WindowRows& rows, Flushed& flushed);
  void flush_whole(Flushed& flushed);
  void flush_each(const query::Shards& tables, Flushed& flushed);
  std::vector<const state::Entry*> in_order(const query::Shards& tables) const;
  abi::Call call_for(Flushed& flushed);
  void write(Flushed& flushed);

  const Service& service_;
  RowReader reader_;
  record::BlockArena arena_;
  SinkScratch sinks_;
  std::vector<const state::Entry*> sessions_;  // each of what is in sinks_; empty: there are none
  std::optional<state::PaneMerger> merger_;    // where windows are made of many panes
  std::string json_;                           // of the result at hand
};

}  // namespace gameflow::runtime
