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
#include "runtime/service.h"
#include "runtime/step.h"
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
  // Rows that were last used a ttl before this run out; nothing: none do.
  std::optional<Timestamp> expired_until;
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

// A row that ran out: what its function made of it, or why it failed.
struct ExpiredRow {
  Timestamp at;
  Text key;  // encoded
  std::uint32_t state = 0;
  abi::Emitted made{};
  std::string reason;  // it failed
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

class ShardUpdate {
 public:
  void run(const Service& service, std::uint32_t number, state::Shard& shard,
           const UpdateRules& rules, ShardOutcome& outcome, RowValues& rows);

 private:
  static constexpr std::size_t kBatch = 512;

  void take(const Service& service, const Delivery& delivery, std::uint32_t delivery_number,
            std::uint32_t number, state::Shard& shard, const UpdateRules& rules,
            Arena& arena, ShardOutcome& outcome);
  void add_run(const BoundKeyed& keyed, std::span<const Exchange::Placed> run,
               std::uint32_t delivery_number, window::Span span, state::Shard::Window& window);
  void add_columns(const Service& service, const Delivery& delivery,
                   std::span<const Exchange::Placed> run, Timestamp now);
  void apply(const Service& service, Timestamp now, Arena& arena, ShardOutcome& outcome);
  void note_use(const BoundKeyed& keyed, std::size_t number, Timestamp now);
  void expire(const Service& service, state::Shard& shard, const UpdateRules& rules, Arena& arena,
              ShardOutcome& outcome);
  void run_on_expire(const BoundKeyed& keyed, std::uint32_t state, Arena& arena,
                     ShardOutcome& outcome);
  void clear_batch();

  struct Place {
    state::Shard::Window* window;
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
  // Columns that only some services have.
  std::vector<Optional<Text>> record_keys_;
  std::vector<Text> row_keys_;
  std::vector<i64> times_, seen_times_;
  // Rows that run out.
  struct Expiring {
    Timestamp at;
    std::uint32_t place, state;
    state::Entry* entry;
  };
  std::vector<Expiring> expiring_;
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
