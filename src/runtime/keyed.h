// Behind the exchange: one shard takes its records from all chunks, in their order, and what
// changed is put into the form in which it is stored.
//
// Threads  different shards run side by side; a ShardUpdate belongs to one worker at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gameflow/abi.h>

#include "base/time.h"
#include "log/store.h"
#include "record/arena.h"
#include "runtime/delivery.h"
#include "runtime/service.h"
#include "state/shard.h"
#include "window/assigner.h"

namespace gameflow::runtime {

// The same for all shards of a service in an epoch.
struct UpdateRules {
  std::span<const Delivery* const> deliveries;  // in order of input and offset
  Timestamp now;                                // rows that change get it as their time
  // Windows that may not open. Their records fail.
  const std::set<Timestamp>* refused = nullptr;
  // Windows that end at or before this are flushed in this epoch: their rows need not be stored.
  std::optional<Timestamp> flushed_until;
};

// A record that changed no row.
struct FailedUpdate {
  std::uint32_t delivery = 0;
  std::uint32_t record = 0;  // in the chunk
  std::string_view op;       // whose fault it is
  std::string reason;
};

struct ShardOutcome {
  std::vector<FailedUpdate> failed;
  std::vector<Timestamp> windows;  // touched, and with rows
  std::vector<log::KeyRange> erase;
  std::vector<log::KeyValue> put;
};

class ShardUpdate {
 public:
  void run(const Service& service, std::uint32_t number, state::Shard& shard,
           const UpdateRules& rules, ShardOutcome& outcome);

 private:
  static constexpr std::size_t kBatch = 512;

  void take(const Service& service, const Delivery& delivery, std::uint32_t delivery_number,
            std::uint32_t number, state::Shard& shard, const UpdateRules& rules,
            ShardOutcome& outcome);
  void add_run(const BoundKeyed& keyed, std::span<const Exchange::Placed> run,
               std::uint32_t delivery_number, window::Span span, state::Table& table);
  void apply(const BoundKeyed& keyed, Timestamp now, ShardOutcome& outcome);
  void clear_batch();

  struct Place {
    state::Table* table;
    state::Entry* entry;
    std::uint32_t delivery, record;
  };
  // A batch for the operator, and where its records came from.
  std::vector<const void*> values_;
  std::vector<void*> rows_;
  std::vector<abi::WindowSpan> spans_;
  std::vector<Place> places_;
  std::vector<state::Probe> probes_;
  std::vector<state::Entry*> entries_;
  std::vector<abi::RowUse> uses_;
  std::vector<abi::RecordError> errors_;
  record::BlockArena arena_;
};

// Puts what changed in the window, or `all` its rows, into the form in which it is stored.
void store_rows(std::string_view service, std::uint32_t shard, const state::Layout& layout,
                bool all, state::Shard::Window& window, ShardOutcome& outcome);
// What is stored of one window of a shard, all of it, is erased.
void erase_rows(std::string_view service, std::uint32_t shard, Timestamp window,
                const state::StoredRows& stored, std::vector<log::KeyRange>& erase);

}  // namespace gameflow::runtime
