// Behind the exchange: one shard takes its records from all chunks, in their order, and what
// changed is put into the form in which it is stored.
//
// Threads  different shards run side by side; a ShardUpdate belongs to one worker at a time.
#pragma once

#include <cstdint>
#include <map>
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
#include "runtime/checkpoint.h"
#include "runtime/delivery.h"
#include "runtime/key_numbers.h"
#include "runtime/service.h"
#include "state/shard.h"
#include "window/assigner.h"

namespace gameflow::runtime {

// The same for all shards of a service in an epoch.
struct UpdateRules {
  std::span<const Delivery* const> deliveries;  // in order of input and offset
  bool is_shared = false;                       // others get the same records
  Timestamp now;                                // rows that change get it as their time
  // Windows that may not open. Their records fail.
  const std::set<Timestamp>* refused = nullptr;
  // Windows that end at or before this are flushed in this epoch: their rows need not be stored.
  std::optional<Timestamp> flushed_until;
  // Windows of which all rows of some shards, a bit each, are stored anew.
  const std::map<Timestamp, std::uint64_t>* rewritten = nullptr;
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
};

// Rows of a service on their way into stored values of at most kStoredBytesMax, those of many
// shards in one: a value each would cost more than what is in them, where an epoch is small.
class RowValues {
 public:
  using ByWindow = std::map<Timestamp, std::vector<std::string>>;

  explicit RowValues(const state::Layout& layout) : layout_(&layout) {}

  void add_changed(Timestamp window, const state::Table& table);
  void add_all(Timestamp window, const state::Table& table);
  ByWindow& windows() { return windows_; }

 private:
  void add(const state::Entry* entry, std::vector<std::string>& values) const;

  const state::Layout* layout_;
  ByWindow windows_;
};

class ShardUpdate {
 public:
  void run(const Service& service, std::uint32_t number, state::Shard& shard,
           const UpdateRules& rules, ShardOutcome& outcome, RowValues& rows);
  // Before the shards of an epoch: it may remember deliveries of the last one.
  void forget() { keys_.forget(); }

 private:
  static constexpr std::size_t kBatch = 512;

  void take(const Service& service, const Exchange& exchange, std::uint32_t delivery,
            std::uint32_t number, state::Shard& shard, const UpdateRules& rules,
            ShardOutcome& outcome);
  void find_keys(state::Shard& shard, const UpdateRules& rules);
  void find_entries(const Exchange::Records& placed, std::size_t begin, std::size_t end,
                    Timestamp window, state::Table& table);
  void apply(const BoundKeyed& keyed, Timestamp now, ShardOutcome& outcome);
  void clear_batch();

  // Records of a batch that lie in one window, and where they came from.
  struct Run {
    state::Table* table;
    std::size_t size;
    std::uint32_t delivery;
    const std::uint32_t* records;  // in the chunk
  };
  // Where others get the same records: their keys, and by window and number the entries of these.
  KeyNumbers keys_;
  std::vector<std::vector<state::Entry*>> entries_of_keys_;
  std::span<const std::uint32_t> numbers_;  // of the keys of records to come; none: not shared

  // A batch for the operator.
  std::vector<Run> runs_;
  std::vector<const void*> values_;
  std::vector<state::Entry*> entries_;
  std::vector<void*> rows_;
  std::vector<abi::WindowSpan> spans_;
  std::vector<abi::RowUse> uses_;
  std::vector<abi::RecordError> errors_;
  record::BlockArena arena_;
};

// Of several workers.
RowValues::ByWindow join(std::span<RowValues> parts);

// Stores the values behind those that are `stored` of the window; where they complete a rewrite,
// what was stored before it is erased. Leaves in `stored` what is stored then.
void store_rows(std::string_view service, Timestamp window, std::vector<std::string> values,
                StoredRows& stored, log::Commit& commit);
// What is stored of one window, all of it, is erased.
void erase_rows(std::string_view service, Timestamp window, const StoredRows& stored,
                log::Commit& commit);

}  // namespace gameflow::runtime
