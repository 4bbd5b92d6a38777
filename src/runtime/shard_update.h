// Step 2 of an epoch: one shard of one service takes its records from all slices, in their order.
//
// Threads  different shards run side by side; a ShardUpdate belongs to one worker at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gameflow/abi.h>

#include "base/time.h"
#include "record/arena.h"
#include "runtime/slice.h"
#include "runtime/window_state.h"

namespace gameflow::runtime {

// A record that changed no row: its update-state failed, or it has no window.
struct FailedUpdate {
  std::size_t slice;
  std::uint32_t record;
  std::string_view op;  // whose fault it is, for the dead letter
  std::string reason;
};

struct ShardUpdateResult {
  std::vector<FailedUpdate> failed;
  // Changed rows of the shard, stored form, by window; without windows that close in this epoch.
  std::map<Timestamp, std::string> changes;
};

class ShardUpdate {
 public:
  // Every window that a slice names must be in `windows` already. Rows changed get `now` as their
  // time.
  struct Target {
    const abi::Service* functions;
    const state::Layout* layout;
    Windows* windows;
    Duration window_size;
    Timestamp now;
    std::optional<Timestamp> open_from;  // windows with an earlier start are about to be flushed
  };
  void run(std::uint32_t shard, const std::deque<Slice>& slices, std::size_t slice_count,
           const Target& target, ShardUpdateResult& result);

 private:
  void apply(const Target& target, ShardUpdateResult& result);

  // A batch for the operator, and where its records came from.
  static constexpr std::size_t kBatch = 512;
  std::vector<const void*> events_;
  std::vector<void*> rows_;
  std::vector<i64> starts_;
  std::vector<state::KeyedShard*> shards_;
  std::vector<state::Entry*> entries_;
  std::vector<std::pair<std::size_t, std::uint32_t>> origins_;
  std::vector<abi::RowUse> uses_;
  std::vector<abi::RecordError> errors_;
  record::BlockArena arena_;
};

}  // namespace gameflow::runtime
