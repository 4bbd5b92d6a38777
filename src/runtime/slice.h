// Step 1 of an epoch for some consecutive batches of one partition: decode, assign time and key,
// group by shard.
//
// Threads  a Slice is filled by one worker and then read by many. Slices are reused from epoch to
//          epoch, so that their memory is too.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <gameflow/abi.h>

#include "base/time.h"
#include "record/arena.h"
#include "record/batch.h"
#include "record/codec.h"
#include "record/type.h"
#include "runtime/dead_letter.h"
#include "state/layout.h"
#include "window/window.h"

namespace gameflow::runtime {

inline constexpr std::size_t kKeyBytesMax = 32U << 10;

// Where a slice's records come from.
struct SliceInput {
  std::size_t input = 0;  // number of the source partition within the service
  std::string_view topic;
  std::uint32_t partition = 0;
  record::Offset from;  // records of the first batch before this were processed earlier
  std::vector<record::BatchPtr> batches;
};

// What a service does with every record; the same for all slices of an epoch.
struct SliceRules {
  std::string_view service;
  const record::Type* event = nullptr;
  const abi::Service* functions = nullptr;
  window::Tumbling window;
  std::optional<Timestamp> open_from;  // as the epoch begins: windows before it are closed
  Timestamp future_from;               // event times from here on do not count as progress
};

class Slice {
 public:
  void run(SliceInput input, const SliceRules& rules, record::Decoder& decoder);
  void clear();

  struct Origin {
    const record::Batch* batch;
    std::uint32_t index;
    record::RecordView record() const { return (*batch)[index]; }
    record::Offset offset() const { return {batch->base_offset().value + index}; }
  };

  const SliceInput& input() const { return input_; }
  std::size_t records_in() const { return records_in_; }
  std::size_t records_future() const { return records_future_; }
  // The highest event time that may count, if there is one.
  std::optional<Timestamp> progress() const { return progress_; }
  // Starts of the windows that records fall into, each once.
  const std::vector<Timestamp>& window_starts() const { return window_starts_; }
  const std::vector<std::uint32_t>& late() const { return late_; }
  std::vector<DeadLetter>& dead() { return dead_; }

  // What the update of a shard needs of a record. Copied out in order of shard while the slice is
  // in the cache: fetched from the columns below, record by record, it costs four cache misses each
  // (update 390 to 210 ms per 2 M events).
  struct Placed {
    std::uint64_t hash;
    Timestamp window_start;
    const char* key_data;
    std::uint32_t key_size;
    std::uint32_t record;
    std::string_view key() const { return {key_data, key_size}; }
  };
  // The records of one shard, in order of offset.
  std::span<const Placed> shard(std::uint32_t shard) const {
    return std::span(by_shard_).subspan(shard_begin_[shard],
                                        shard_begin_[shard + 1] - shard_begin_[shard]);
  }
  const void* event(std::uint32_t record) const { return events_ + std::size_t{record} * stride_; }
  const Origin& origin(std::uint32_t record) const { return origins_[record]; }
  DeadLetter dead_letter(std::uint32_t record, std::string_view op, std::string reason) const;

 private:
  void decode(const SliceRules& rules, record::Decoder& decoder);
  void assign(const SliceRules& rules);
  void place(const SliceRules& rules);
  void group();
  void add_failures(std::uint32_t count, std::string_view op);

  SliceInput input_;
  std::string_view service_;
  record::BlockArena arena_;  // decoded events and what operators made of them
  char* events_ = nullptr;
  std::size_t stride_ = 0;
  // One for each record that decoded.
  std::vector<Origin> origins_;
  std::vector<i64> record_times_, times_, starts_;
  std::vector<Text> keys_;
  std::vector<std::uint64_t> hashes_;
  std::vector<bool> failed_;
  std::vector<std::uint8_t> shards_;  // kNoShard: failed or late
  std::vector<abi::RecordError> errors_;

  std::size_t records_in_ = 0, records_future_ = 0;
  std::optional<Timestamp> progress_;
  std::vector<Timestamp> window_starts_;
  std::vector<std::uint32_t> late_;
  std::vector<DeadLetter> dead_;
  std::vector<Placed> by_shard_;
  std::vector<char> key_bytes_;  // of by_shard_, in its order
  std::uint32_t shard_begin_[state::kShards + 1] = {};
};

}  // namespace gameflow::runtime
