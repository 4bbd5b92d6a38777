// A closed window becomes records for the sinks: flush and its SQL, then the chains of the sinks.
//
// A window that takes no more records is a set of table versions, so a flush reads what nobody
// changes: it may run in an epoch or beside many of them.
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
#include "runtime/checkpoint.h"
#include "runtime/dead_letter.h"
#include "runtime/row_reader.h"
#include "runtime/service.h"
#include "runtime/sinks.h"
#include "window/assigner.h"

namespace gameflow::runtime {

// Larger results are a dead letter: nobody could read them. A `limit` in the query is the way out.
inline constexpr std::size_t kOutputBytesMax = 64U << 20;

struct ClosedWindow {
  window::Span span;
  query::Shards tables;  // null where a shard has no rows
  StoredRows stored;
};

// What became of a window. Large, and kept until it is committed: so it is shared.
struct Flushed {
  ClosedWindow window;
  struct Record {
    std::uint32_t sink;  // of the service
    std::optional<std::string> key;
    std::string value;  // JSON
  };
  std::vector<Record> records;
  std::vector<DeadLetter> dead;
};

using FlushedPtr = std::shared_ptr<const Flushed>;

class Flusher {
 public:
  // All outlive the flusher.
  Flusher(const plan::Graph& graph, const Service& service, const RowSource& source);

  FlushedPtr run(ClosedWindow window);
  // Gives back what is kept from one run to the next.
  void release_memory();

 private:
  class Result;
  void add_failure(std::string_view op, const Error& error, Flushed& flushed) const;
  void add_result(const void* value, std::uint32_t sink, std::optional<std::string_view> key,
                  Flushed& flushed);

  const Service& service_;
  RowReader reader_;
  record::BlockArena arena_;
  SinkScratch sinks_;
  std::vector<std::size_t> result_bytes_;  // of each sink's last result: the next is often as large
};

}  // namespace gameflow::runtime
