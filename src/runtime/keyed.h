// Behind the exchange: one shard takes its records from all chunks, in their order, and what
// changed is put into the form in which it is stored.
//
// Threads  different shards run side by side; a ShardUpdate belongs to one worker at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
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
#include "runtime/row_reader.h"
#include "runtime/service.h"
#include "runtime/step.h"
#include "state/shard.h"
#include "window/assigner.h"

namespace gameflow::runtime {

// The same for all shards of a service in an epoch.
struct UpdateRules {
  std::span<const Delivery* const> deliveries;  // in order of input and offset
  bool is_shared = false;                       // others get the same records
  Timestamp now;                                // rows that change get it as their time
  // Panes that may not open. Their records fail.
  const std::set<Timestamp>* refused = nullptr;
  // Panes of windows that end at or before this are not needed behind this epoch: their rows need
  // not be stored.
  std::optional<Timestamp> forgotten_until;
  // Rows that were last used a ttl before this run out; nothing: none do.
  std::optional<Timestamp> expired_until;
  // Sessions that end at or before it take no more: as the epoch begins, and as it ends.
  std::optional<Timestamp> closed_before, closed_until;
  // Panes of which all rows of some shards, a bit each, are stored anew.
  const std::map<Timestamp, std::uint64_t>* rewritten = nullptr;
  RowReader* reader = nullptr;  // of the worker
};

// A record that changed no row.
struct FailedUpdate {
  std::uint32_t delivery = 0;
  std::uint32_t record = 0;  // in the chunk
  std::uint32_t number = 0;  // among what left the chain
  std::string_view op;       // whose fault it is
  std::string reason;
};

// A row that ran out, or a left event of a join that meets none: what its function made of it, or
// why it failed.
struct ExpiredRow {
  Timestamp at;
  Text key;  // encoded
  std::uint32_t state = 0;
  abi::Emitted made{};
  std::string reason;                 // it failed, and…
  std::string_view op = "on-expire";  // …whose fault it is
};

struct ShardOutcome {
  std::vector<FailedUpdate> failed;
  // For the sinks, in order: by delivery and record.
  struct Output {
    std::uint32_t delivery;
    KeyedOutput output;
  };
  std::vector<Output> outputs;
  std::vector<ExpiredRow> expired;
  // Of sessions: records that came too late for any, in order, and the sessions that have ended, in
  // a table of their own.
  struct Late {
    std::uint32_t delivery = 0;
    std::uint32_t record = 0;  // in the chunk
  };
  std::vector<Late> late;
  struct Ended {
    std::unique_ptr<state::Table> rows;
    window::Span span;  // from the first one's start to the last one's end
  };
  std::optional<Ended> ended;
  OperatorCounts counts;
  // Of what operators made, where it is asked for until the end of the epoch; null: nowhere.
  std::unique_ptr<record::BlockArena> arena;
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

// What is to be stored of the shard: what the epoch has changed in it, or all of it.
void add_rows(const Service& service, std::uint32_t number, state::Shard& shard,
              const UpdateRules& rules, RowValues& rows);

class ShardUpdate {
 public:
  void run(const Service& service, std::uint32_t number, state::Shard& shard,
           const UpdateRules& rules, ShardOutcome& outcome, RowValues& rows);
  // Before the shards of an epoch: it may remember deliveries of the last one.
  void forget() { keys_.forget(); }

 private:
  static constexpr std::size_t kBatch = 512;

  // What a service does with one of its shards.
  struct Work {
    const Service& service;
    std::uint32_t number;
    state::Shard& shard;
    const UpdateRules& rules;
    Arena& arena;
    ShardOutcome& outcome;
    const BoundKeyed& keyed() const { return *service.keyed; }
  };
  void take(const Work& work, std::uint32_t delivery);
  void find_keys(state::Shard& shard, const UpdateRules& rules);
  void find_entries(const Exchange::Records& placed, std::size_t begin, std::size_t end,
                    Timestamp window, state::Table& table);
  void add_columns(const Work& work, const Delivery& delivery, const Exchange::Records& placed,
                   std::size_t begin, std::size_t end);
  void apply(const Work& work);
  void note_use(const Work& work, state::Shard::Window& window, std::size_t number);
  void expire(const Work& work);
  struct Expiring {  // a row that runs out
    Timestamp at;
    std::uint32_t state;
    state::Entry* entry;
  };
  void run_on_expire(const Work& work, std::span<const Expiring> rows, std::uint32_t state);
  void clear_batch();

  // Records of a batch that lie in one window, and where they came from.
  struct Run {
    state::Shard::Window* window;
    std::size_t size;
    std::uint32_t delivery;
    const Exchange::Record* records;
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
  // Columns that only some services have.
  struct Columns {
    std::vector<Optional<Text>> record_keys;
    std::vector<Text> row_keys;
    std::vector<i64> times, seen_times;
  };
  Columns columns_;
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
