// Records on their way into topics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "log/ids.h"
#include "log/topics.h"
#include "record/batch.h"

namespace gameflow::log {

inline constexpr std::size_t kRecordBytesMax = 8U << 20;

// One batch for one partition.
struct Append {
  TopicId topic;
  std::uint32_t partition = 0;
  record::BatchBuilder batch;             // not empty; or else
  record::BatchBuilder::Sealed sealed{};  // its batch is there, with any time of append
  std::vector<IdClaim> ids = {};          // of its records

  // Makes the batch on this thread, so that the one that commits need not.
  void seal() { sealed = batch.seal({}); }
  // Of keys and values.
  std::size_t bytes() const { return sealed.batch != nullptr ? sealed.bytes : batch.bytes(); }
};

struct CommitAck {
  // Of the first record of each append, in order; where all of one were left out, the end.
  std::vector<Offset> base_offsets;
  std::vector<Repeated> repeated;  // the records that were left out, in order
};

}  // namespace gameflow::log
