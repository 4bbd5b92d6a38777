// All that one epoch reads, computes and writes. It is written whole, or dropped: nothing in it has
// to be taken back by hand.
//
// Threads  built up by the thread that runs epochs; workers fill chunks, deliveries and outcomes,
//          each its own.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/time.h"
#include "runtime/checkpoint.h"
#include "runtime/chunk.h"
#include "runtime/dead_letter.h"
#include "runtime/delivery.h"
#include "runtime/flush.h"
#include "runtime/keyed.h"
#include "runtime/positions.h"
#include "runtime/schedules.h"
#include "runtime/stats.h"
#include "runtime/tables.h"
#include "runtime/writer.h"
#include "state/layout.h"
#include "window/assigner.h"

namespace gameflow::runtime {

// One service's part.
struct ServiceEpoch {
  Positions after;         // where the service stands once this is committed
  window::Closed before;   // as the epoch begins, which says what is late
  bool is_held = false;    // it gets no input: memory is full of its state, or flushes are behind
  bool has_input = false;  // something was read, or retention took it
  std::vector<Delivery*> deliveries;   // in order of input and offset
  std::set<Timestamp> refused;         // panes that may not open
  std::vector<window::Span> asked;     // other panes that records go to
  std::vector<DueResult> due;          // windows that give a result, in order of their ends
  std::vector<window::Span> dropping;  // panes that no window needs any more, in order
  bool flushes_now = false;            // results are made in this epoch, not beside later ones
  // Panes of which all rows of some shards, a bit each, are stored anew.
  std::map<Timestamp, std::uint64_t> rewritten;
  std::uint64_t shards = 0;  // bit s: shard s has something to do
  bool shares_keys = false;  // other services get the same records
  std::array<ShardOutcome, state::kShards> outcomes;
  std::vector<RowValues> rows;              // what is to be stored, one a worker
  std::vector<RowValues::ByWindow> joined;  // the same of a join
  std::map<Timestamp, StoredRows> stored;   // of panes of which something was
  std::vector<FlushedPtr> flushed;          // results that go with this epoch, in order of window
  std::shared_ptr<const PaneRows> ended;    // sessions that end in it; null: none do
  std::size_t sessions_ended = 0;
  std::optional<Timestamp> expired_until;  // rows run out that were last used a ttl before this
  bool has_expiring = false;               // some of them may, or sessions end
  Writer expired_out;                      // what came of them
  std::vector<DeadLetter> expired_dead;
  std::uint64_t expired_records_out = 0;
  OperatorCounts expired_counts;

  VisibleChanges visible;  // once it is committed

  bool has_work() const {
    return has_input || has_expiring || !due.empty() || !dropping.empty() || !flushed.empty();
  }
  bool closes_much() const { return !due.empty() && !flushes_now; }
};

struct Epoch {
  Timestamp now;
  Duration attention;  // steady time that the engine has spent looking, as window::Watermark
  std::size_t bytes = 0;
  std::vector<ServiceEpoch> services;
  std::vector<DueTimes> due;  // of schedules

  // A chunk, and who reads it.
  struct Reading {
    Chunk* chunk;
    Chunk::Source source;
    std::vector<std::pair<std::size_t, Delivery*>> deliveries;  // by service
  };
  std::vector<Reading> readings;
  EpochSeconds seconds;

  bool has_work() const {
    return !due.empty() || std::ranges::any_of(services, &ServiceEpoch::has_work);
  }
};

// Chunks and deliveries, kept from epoch to epoch for the memory they hold.
class EpochMemory {
 public:
  Chunk& chunk() { return take(chunks_, chunks_used_); }
  Delivery& delivery() { return take(deliveries_, deliveries_used_); }
  // The epoch that used them is over.
  void reset();
  // Gives their memory back.
  void release();

 private:
  template <class T>
  static T& take(std::deque<T>& all, std::size_t& used) {
    if (used == all.size()) all.emplace_back();
    return all[used++];
  }
  std::deque<Chunk> chunks_;
  std::deque<Delivery> deliveries_;
  std::size_t chunks_used_ = 0, deliveries_used_ = 0;
};

}  // namespace gameflow::runtime
