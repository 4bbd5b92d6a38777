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
  state::MergeFns merges;  // by state
  plan::BoundFunction<abi::UpdateFn> update;
  std::span<const std::string_view> operators;  // names of the steps of `update`

  std::span<const Delivery* const> deliveries;  // in order of input and offset
  Timestamp now;                                // rows that change get it as their time
  // Sessions that end at or before it take no more: as the epoch began, and as it ends.
  std::optional<Timestamp> closed_before, closed_until;
  RowReader* reader = nullptr;  // of the worker
};

struct SessionOutcome {
  std::vector<FailedUpdate> failed;  // in order
  struct Late {
    std::uint32_t delivery = 0;
    std::uint32_t record = 0;  // in the chunk
  };
  std::vector<Late> late;  // in order
  // The sessions that have ended, in a table of their own; null: none has.
  std::unique_ptr<state::Table> ended;
  std::optional<Timestamp> first, end;  // from the first of them to the last one's end
};

class SessionUpdate {
 public:
  // The epoch's changes of the window stay to be committed, or reverted.
  void run(const SessionEpoch& epoch, std::uint32_t shard, state::Shard::Window& window,
           SessionOutcome& outcome);

 private:
  static constexpr std::size_t kBatch = 512;

  struct Work {
    const SessionEpoch& epoch;
    state::Table& table;
    state::Sessions& sessions;
    SessionOutcome& outcome;
  };
  void take(const Work& work, std::uint32_t delivery, std::uint32_t shard);
  void add(const Work& work, std::uint32_t delivery, const Exchange::Records& placed, std::size_t i,
           state::Entry* latest);
  void add_columns(const SessionEpoch& epoch, const Delivery& delivery,
                   const Exchange::Records& placed, std::size_t i);
  void apply(const Work& work);
  void use(const Work& work, std::size_t number);
  void fail(const Work& work, std::size_t number, std::string_view op, std::string reason);
  void end(const Work& work);
  void clear_batch();

  struct Record {
    state::Entry* latest;  // of its key
    bool is_in_place;
    Timestamp time;
    std::uint32_t delivery, record;
  };
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
