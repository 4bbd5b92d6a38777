// What the store keeps of a service between epochs, and its bytes. Format: docs/formats/state.md.
//
// A service is one record (positions, watermark, counters), and values that hold rows, of one
// window each, numbered in the order in which they were written.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/time.h"
#include "log/store.h"
#include "plan/functions.h"
#include "plan/graph.h"
#include "record/type.h"
#include "record/value_bytes.h"
#include "runtime/positions.h"
#include "state/growth.h"
#include "window/trigger.h"

namespace gameflow::runtime {

// No stored value is larger, unless a single row is.
inline constexpr std::size_t kStoredBytesMax = 512U << 10;

// Adds what write(out) writes, a row or an event, to the last of the values, or to one more.
template <class Write>
void add_stored(std::vector<std::string>& values, Write&& write) {
  if (values.empty()) values.emplace_back();
  const std::size_t before = values.back().size();
  ByteWriter out(values.back());
  write(out);
  if (values.back().size() <= kStoredBytesMax || before == 0) return;
  std::string entry = values.back().substr(before);
  values.back().resize(before);
  values.push_back(std::move(entry));
}

// A state as it is stored: rows of another key or shape cannot be read into it.
struct StoredState {
  std::string name;
  record::Kind key;
  std::string shape;
  bool is_timed = false;  // its rows have the time when they were last used

  friend bool operator==(const StoredState&, const StoredState&) = default;
};

// Where a service stands in one partition.
struct StoredInput {
  std::string topic;
  log::TopicId topic_id;
  std::uint32_t partition = 0;
  log::Offset next;
  std::optional<Timestamp> progress;
};

// Everything but the rows.
struct ServiceRecord {
  std::string windows;  // what the rows belong to, as plan::Keyed::windows; empty: a pipe
  std::vector<StoredState> states;
  std::optional<Timestamp> watermark;
  window::Closed closed;
  // Of Results; those that are being made count as unsaid.
  std::optional<Timestamp> fired_until;
  std::vector<Timestamp> unsaid;
  std::optional<Timestamp> emit_at;
  std::vector<StoredInput> inputs;
  Counters counters;
};

std::string encode(const ServiceRecord& record);
// kDataCorrupt, or kStateMismatch for a format of a newer gameflow.
Result<ServiceRecord> decode_service_record(std::string_view bytes, std::string_view service);

std::string service_key(std::string_view service);
// All services' records.
log::KeyRange service_keys();
// The name in a service's key.
std::string_view service_of(std::string_view service_key);

// Where rows are: the values of one window lie together, in order.
struct RowsKey {
  Timestamp window;
  std::uint64_t number = 0;
};
std::string rows_key(std::string_view service, const RowsKey& key);
log::KeyRange rows_range(std::string_view service);
std::optional<RowsKey> parse_rows_key(std::string_view service, std::string_view key);

// How much of a window's rows is stored, in values with the numbers [first, next).
struct StoredRows {
  std::uint64_t first = 0, next = 0;
  std::uint64_t bytes_full = 0;        // of the last values that hold all rows
  std::uint64_t bytes_since_full = 0;  // of those behind them, which hold changes

  // Under way: the values from number `from` on hold all rows of the first `shards` shards.
  struct Rewrite {
    std::uint64_t from;
    std::uint32_t shards = 0;
    std::uint64_t bytes = 0;  // of those values
  };
  std::optional<Rewrite> rewrite;

  std::uint64_t count() const { return next - first; }
  // The shards, a bit each, of which the epoch at hand stores all rows and not only what changed.
  // After many values, or when changes outweigh the rows, all rows are stored anew in place of what
  // is there, so that a restart has little to read: some shards an epoch, as all of them may be
  // more than an epoch has room for.
  std::uint64_t rewrite_shards();
};

// States in the order of the plan; none for a pipe, which has no Keyed.
std::vector<StoredState> stored_states(const plan::Keyed* keyed);

// Whether rows of the service, or events of its join, are stored.
Result<bool> keeps_rows(std::string_view service, const log::StateKv& store);

// For every stored state where its rows belong in the plan. A row may have got more columns.
// kStateMismatch if the windows are others, or a state has otherwise changed its key or its row,
// and the service `keeps` some; the message names the ways out.
Result<std::vector<state::RowSource>> match_states(const ServiceRecord& record,
                                                   std::string_view service,
                                                   const plan::Keyed* keyed, bool keeps);

// The sides of a join, each as a state, and its key.
std::vector<StoredState> stored_sides(const plan::Functions::Sides& sides);

// How the events of each side that are stored are read, if they are not as they are now.
struct FormerSides {
  std::unique_ptr<const record::GrownValue> left, right;
};
// kStateMismatch: what is stored is no join of this span, or it `keeps` events of other types or
// keys.
Result<FormerSides> match_join(const ServiceRecord& record, std::string_view service,
                               const plan::Join& join, const plan::Functions::Sides& sides,
                               bool keeps);

}  // namespace gameflow::runtime
