// A batch as the log keeps it: as it was appended, or without records that have been erased since.
// Format: docs/formats/store.md.
//
// Threads  pure functions.
// Errors   kDataCorrupt: the bytes are not what was written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "record/batch.h"

namespace gameflow::log {

struct StoredBatch {
  record::BatchPtr batch;  // null: all of its records are erased
  record::Offset end;      // where the next one begins
  Timestamp appended_at;
};
// Also of what a version wrote that erased nothing.
Result<StoredBatch> decode_stored(std::string_view value, record::Offset base);

struct StoredHead {
  Timestamp appended_at;
  std::uint32_t offsets = 0;  // that the batch takes up
};
Result<StoredHead> peek_stored(std::string_view value);

// What is left of a batch that takes up `head.offsets`: `kept` says where its records were, counted
// from the base offset. `batch` is emptied.
std::string encode_left(const StoredHead& head, const std::vector<std::uint32_t>& kept,
                        record::BatchBuilder& batch);

}  // namespace gameflow::log
