// A run of records of one partition, decoded once for all services that read it from there.
//
// Columns, one entry for each record that decoded. Where a record came from is a column too, so
// what filters leave out and flat-maps multiply needs no index of its own.
//
// Threads  filled by one worker, then read by any. Reused from epoch to epoch, for its memory.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <gameflow/types.h>

#include "base/time.h"
#include "record/arena.h"
#include "record/batch.h"
#include "record/batch_decoder.h"
#include "record/codec.h"
#include "record/type.h"

namespace gameflow::runtime {

// A record where it lies.
struct Origin {
  const record::Batch* batch = nullptr;
  std::uint32_t index = 0;

  record::RecordView record() const { return (*batch)[index]; }
  record::Offset offset() const { return batch->offset(index); }
  // When the log took it in: what it says of the progress of time goes no further.
  Timestamp appended_at() const { return batch->appended_at(); }
};

// A record that is not what its topic's type says.
struct Undecoded {
  Origin origin;
  record::DecodeError error;
};

class Chunk {
 public:
  struct Source {
    std::string_view topic;
    std::uint32_t partition = 0;
    const record::Type* type = nullptr;
    record::Offset from;  // records of the first batch before this were read earlier
    std::vector<record::BatchPtr> batches;
  };

  // `passing`: where the values go, if they are forgotten before it is used again; null: they last
  // as long as the chunk.
  void decode(Source source, record::BatchDecoder& decoder, record::BlockArena* passing = nullptr);
  void forget_values() { values_.clear(); }
  // Forgets the records; keeps memory for the next ones.
  void clear();

  const Source& source() const { return source_; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(origins_.size()); }
  std::size_t records_read() const { return origins_.size() + undecoded_.size(); }

  std::span<const void* const> values() const { return values_; }
  std::span<const i64> times() const { return times_; }  // of the records, ms UTC
  const Origin& origin(std::uint32_t record) const { return origins_[record]; }
  const std::vector<Undecoded>& undecoded() const { return undecoded_; }

 private:
  Source source_;
  record::BlockArena arena_;
  std::vector<const void*> values_;
  std::vector<i64> times_;
  std::vector<Origin> origins_;
  std::vector<Undecoded> undecoded_;
  std::vector<record::BatchDecoder::Failure> failures_;  // of the batch at hand
};

}  // namespace gameflow::runtime
