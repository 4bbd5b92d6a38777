// Batches of records: the unit that is appended, stored, read and handed to workers.
//
// Units    timestamps are ms UTC; sizes are bytes; offsets rise within one partition, with gaps.
// Threads  a Batch is immutable and shared freely; a BatchBuilder belongs to one thread.
// Format   docs/formats/batch.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/container/vector.hpp>

#include "base/error.h"
#include "base/strong_id.h"
#include "base/time.h"
#include "record/outlined.h"
#include "record/record_keys.h"

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
class Columns;
class ColumnsWriter;
using BatchPtr = std::shared_ptr<const Batch>;

class Batch {
 public:
  Batch();
  ~Batch();
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

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
  Timestamp timestamp(std::size_t index) const { return {entries_[index].timestamp_ms}; }
  std::optional<std::string_view> key(std::size_t index) const {
    const Entry& entry = entries_[index];
    if (entry.key_size == kNoKey) return std::nullopt;
    return std::string_view(keys_ + entry.key_begin, entry.key_size);
  }
  // Values that lie in columns become text when the first of them is asked for: all of them, once.
  // Then throws std::bad_alloc.
  std::string_view value(std::size_t index) const { return values(index, index + 1); }
  RecordView operator[](std::size_t index) const {
    return {timestamp(index), key(index), value(index)};
  }
  // The values of records [first, last), which lie one after the other.
  std::string_view values(std::size_t first, std::size_t last) const;
  // How far records go from `first` on whose values take up to `bytes`: `first` itself always.
  std::size_t run_end(std::size_t first, std::size_t bytes) const;
  // The values by column; null where they lie as text.
  const Columns* columns() const { return columns_.get(); }
  // Bytes of the values as text.
  std::size_t text_bytes() const { return text_bytes_; }
  // Bytes held in memory, for caches and limits; with the text of columns, made or not.
  std::size_t memory_bytes() const;

  // Reads what BatchBuilder::encode wrote: records without gaps, from base_offset on. kDataCorrupt
  // with the reason if the bytes are not that.
  static Result<BatchPtr> decode(std::string_view encoded, Offset base_offset);
  // What the head of the same bytes says, and likewise.
  struct Head {
    Timestamp appended_at;
    std::uint32_t records;
  };
  static Result<Head> peek(std::string_view encoded);

 private:
  friend class BatchBuilder;
  using Entry = RecordKeys::Entry;
  static constexpr std::uint32_t kNoKey = RecordKeys::kNoKey;
  using Buffer = boost::container::vector<char>;

  struct Text {
    Buffer bytes;  // with kPaddingBytes at the end
    std::vector<std::uint32_t> ends;
    const char* begin = nullptr;
  };
  const Text& text() const;
  bool text_lies_in_bytes() const { return columns_ == nullptr && text_.bytes.empty(); }

  Offset base_offset_, end_offset_;
  std::vector<Offset> offsets_;  // of each record; empty where they have no gaps
  Timestamp appended_at_;
  std::vector<Entry> entries_;
  const char* keys_ = nullptr;  // where entries_ point to
  Buffer bytes_;                // keys; of a batch that was decoded all of its body
  std::unique_ptr<const Columns> columns_;
  std::size_t text_bytes_ = 0;
  mutable std::once_flag text_made_;  // of columns
  mutable Text text_;
};

// Collects records. Keys are copied in, and values where they are not lent.
class BatchBuilder {
 public:
  BatchBuilder();
  ~BatchBuilder();
  BatchBuilder(BatchBuilder&&) noexcept;
  BatchBuilder& operator=(BatchBuilder&&) noexcept;

  // Whether a record of so many bytes (key and value) may still be added: always when empty, else
  // up to kBatchBytesMax in total.
  bool fits(std::size_t key_and_value_bytes) const;
  // Makes room for so many records that are lent.
  void reserve(std::size_t records);
  // Precondition: fits(), and key and value are together under 2 GiB.
  void add(Timestamp timestamp, std::optional<std::string_view> key, std::string_view value);
  // Likewise, but the value stays where it is, readable for kPaddingBytes past its end, until the
  // builder is left empty or goes. `outlined`: what is known of it. A builder either copies or
  // borrows.
  void lend(Timestamp timestamp, std::optional<std::string_view> key, std::string_view value,
            const Outlined& outlined);
  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  // Bytes of keys and values so far.
  std::size_t bytes() const { return keys_.size() + value_bytes(); }
  void clear();

  // The stored form: header, checksum, keys, and the values by column or as text. Does not hold the
  // base offset, so it can be made before the offset is known.
  std::string encode(Timestamp appended_at);
  // The readable form of the same records; leaves the builder empty.
  std::shared_ptr<Batch> finish(Timestamp appended_at);
  // Both. What is stored in columns lies in them in memory too.
  struct Sealed {
    std::string encoded;
    std::shared_ptr<Batch> batch;
    std::size_t bytes = 0;  // of keys and values
  };
  Sealed seal(Timestamp appended_at);
  // Gives a batch, and the same records encoded, another time of append.
  static void stamp(Batch& batch, std::string& encoded, Timestamp appended_at);
  // Gives a batch from finish() its place, before it is published: without gaps, or with an offset
  // for each record, which rise, and an end past the last of them. Then the batch is not empty.
  static void place(Batch& batch, Offset base_offset);
  static void place(Batch& batch, std::vector<Offset> offsets, Offset end_offset);

 private:
  std::int64_t first_timestamp_ms() const {
    return entries_.empty() ? 0 : entries_.front().timestamp_ms;
  }
  std::size_t value_bytes() const { return values_.size() + lent_bytes_; }
  void add_key(Timestamp timestamp, std::optional<std::string_view> key);
  RecordKeys keys() const { return {entries_.data(), keys_.data()}; }
  std::shared_ptr<Batch> begin_batch(Timestamp appended_at);
  void pad_values();
  void copy_lent();

  struct Body;
  Body make_body(Timestamp appended_at);
  struct PutBack {
    void operator()(ColumnsWriter* columns) const;
  };

  std::vector<RecordKeys::Entry> entries_;
  std::vector<std::uint32_t> ends_;  // of the values in values_
  Batch::Buffer keys_, values_;
  // Values that are not in values_.
  std::vector<std::string_view> lent_;
  std::size_t lent_bytes_ = 0, expected_ = 0;
  std::unique_ptr<ColumnsWriter, PutBack> columns_;  // of the same values
};

}  // namespace gameflow::record
