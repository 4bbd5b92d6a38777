// Behind the exchange, where windows are sessions: one shard takes its records from all chunks, in
// their order, and gives those sessions that have ended.
//
// The keys of the exchange end with slot 0 (state::Sessions::append_slot).
//
// Threads  different shards run side by side; a SessionUpdate belongs to one worker at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <gameflow/abi.h>

#include "base/time.h"
#include "plan/functions.h"
#include "record/arena.h"
#include "runtime/delivery.h"
#include "runtime/keyed.h"
#include "runtime/row_reader.h"
#include "state/sessions.h"
#include "state/shard.h"

namespace gameflow::runtime {

// The same for all shards of a service in an epoch.
struct SessionEpoch {
  const state::Layout* layout;
  state::SessionRules rules;
  const state::MergeFns* merges;  // by state
  plan::BoundFunction<abi::UpdateFn> update;
  std::span<const std::string_view> operators;  // names of the steps of `update`
  std::size_t first = 0;                        // number of the first of them in the service

  std::span<const Delivery* const> deliveries;  // in order of input and offset
  Timestamp now;                                // rows that change get it as their time
  // Sessions that end at or before it take no more: as the epoch began, and as it ends.
  std::optional<Timestamp> closed_before, closed_until;
  RowReader* reader = nullptr;  // of the worker
};

class SessionUpdate {
 public:
  // The epoch's changes of the window stay to be committed, or reverted. Operators are counted
  // where the outcome has room for it.
  void run(const SessionEpoch& epoch, std::uint32_t shard, state::Shard::Window& window,
           ShardOutcome& outcome);

 private:
  static constexpr std::size_t kBatch = 512;

  struct Record {
    state::Entry* latest;  // of its key
    Timestamp time;
    const void* value;
    std::uint32_t delivery, record;
    std::uint32_t number;  // among what left the chain
    bool is_in_place = false;
  };
  struct Work {
    const SessionEpoch& epoch;
    state::Table& table;
    state::Sessions& sessions;
    ShardOutcome& outcome;
  };
  void take(const Work& work, std::uint32_t delivery, std::uint32_t shard);
  void add(const Work& work, Record record);
  void add_columns(const SessionEpoch& epoch, const Record& record);
  void apply(const Work& work, bool is_again = false);
  void use(const Work& work, std::size_t number);
  static void fail(const Work& work, const Record& record, std::string_view op, std::string reason);
  void end(const Work& work);
  void clear_batch();

  // A batch for the operator.
  std::vector<Record> records_;
  std::vector<const void*> values_;
  std::vector<void*> rows_;
  std::vector<abi::WindowSpan> spans_;
  std::vector<abi::RowUse> uses_;
  std::vector<abi::RecordError> errors_;
  std::vector<Optional<Text>> record_keys_;  // where the function asks
  std::vector<Text> row_keys_;
  std::vector<state::Entry*> found_;
  record::BlockArena arena_;
};

}  // namespace gameflow::runtime
