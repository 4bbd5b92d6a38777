// Batches of records: the unit that is appended, stored, read and handed to workers.
//
// Units    timestamps are ms UTC; sizes are bytes; offsets rise within one partition, with gaps.
// Threads  a Batch is immutable and shared freely; a BatchBuilder belongs to one thread.
// Format   docs/formats/batch.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/strong_id.h"
#include "base/time.h"

namespace gameflow::record {

// Position in one partition. Each record has a higher one than the record before it; some belong to
// no record (what a Kafka transaction or compaction leaves), so nobody computes with them: ask the
// batch, or the result of a read.
using Offset = StrongId<std::uint64_t, struct OffsetTag>;

struct RecordView {
  Timestamp timestamp;
  std::optional<std::string_view> key;
  std::string_view value;
};

// Every byte of a batch may be read up to this far past its end, as simdjson does.
inline constexpr std::size_t kPaddingBytes = 64;

// Bytes (keys, values, entries) above which a batch takes no more records: a bound, not a target.
inline constexpr std::size_t kBatchBytesMax = std::size_t{1} << 30;

class Batch;
using BatchPtr = std::shared_ptr<const Batch>;

class Batch {
 public:
  // Of the first record; of an empty batch, where it lies.
  Offset base_offset() const { return base_offset_; }
  // Past the last record, and past the gap behind it as far as the store knew of it.
  Offset end_offset() const { return end_offset_; }
  // `index` in [0, size()).
  Offset offset(std::size_t index) const {
    return offsets_.empty() ? Offset{base_offset_.value + index} : offsets_[index];
  }
  // The first record at or after `offset`; size() if there is none.
  std::size_t index_of(Offset offset) const;
  std::size_t size() const { return entries_.size(); }
  // When the batch was appended; retention by age goes by it.
  Timestamp appended_at() const { return appended_at_; }
  // `index` in [0, size()). Views live as long as the batch.
  RecordView operator[](std::size_t index) const;
  // The values of records [first, last), which lie one after the other.
  std::string_view values(std::size_t first, std::size_t last) const;
  // How far records go from `first` on whose values take up to `bytes`: `first` itself always.
  std::size_t run_end(std::size_t first, std::size_t bytes) const;
  // Bytes held in memory, for caches and limits.
  std::size_t memory_bytes() const;

  // Reads what BatchBuilder::encode wrote: records without gaps, from base_offset on. kDataCorrupt
  // with the reason if the bytes are not that.
  static Result<BatchPtr> decode(std::string_view encoded, Offset base_offset);
  // Only that, from the same bytes, and likewise.
  static Result<Timestamp> appended_at(std::string_view encoded);

 private:
  friend class BatchBuilder;
  struct Entry {
    std::int64_t timestamp_ms;
    std::uint32_t key_begin, key_size;  // key_size == kNoKey: the record has none
    std::uint32_t value_begin, value_size;
  };
  static constexpr std::uint32_t kNoKey = UINT32_MAX;

  Offset base_offset_, end_offset_;
  std::vector<Offset> offsets_;  // of each record; empty where they have no gaps
  Timestamp appended_at_;
  std::vector<Entry> entries_;
  std::unique_ptr<char[]> bytes_;  // where entries_ point to, then kPaddingBytes
  std::size_t bytes_size_ = 0;
};

// Collects records. Keys and values are copied in.
class BatchBuilder {
 public:
  // Whether a record of so many bytes (key and value) may still be added: always when empty, else
  // up to kBatchBytesMax in total.
  bool fits(std::size_t key_and_value_bytes) const;
  // Precondition: fits(), and key and value are together under 2 GiB.
  void add(Timestamp timestamp, std::optional<std::string_view> key, std::string_view value);
  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  // Bytes of keys and values so far.
  std::size_t bytes() const { return keys_.size() + values_.size(); }
  void clear();

  // The stored form: header, checksum, LZ4 of keys and values. Does not hold the base offset, so it
  // can be made before the offset is known.
  std::string encode(Timestamp appended_at) const;
  // The readable form of the same records; leaves the builder empty.
  std::shared_ptr<Batch> finish(Timestamp appended_at);
  // Gives a batch from finish(), and the same records from encode(), another time of append.
  static void stamp(Batch& batch, std::string& encoded, Timestamp appended_at);
  // Gives a batch from finish() its place, before it is published: without gaps, or with an offset
  // for each record, which rise, and an end past the last of them. Then the batch is not empty.
  static void place(Batch& batch, Offset base_offset);
  static void place(Batch& batch, std::vector<Offset> offsets, Offset end_offset);

 private:
  std::int64_t first_timestamp_ms() const {
    return entries_.empty() ? 0 : entries_.front().timestamp_ms;
  }
  char* write_entries(char* out) const;

  std::vector<Batch::Entry> entries_;
  std::string keys_;    // entries' key_begin counts within keys_
  std::string values_;  // entries' value_begin counts within values_
};

}  // namespace gameflow::record
