// A request's body becomes one commit: split, check, key, partition, number.
#pragma once

#include <cstdint>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/api.h"
#include "log/store.h"
#include "record/batch.h"
#include "record/type.h"

namespace gameflow::api {

// The partition of a keyed record. Part of the format: docs/formats/partitioning.md.
std::uint32_t partition_of(std::string_view key, std::uint32_t partitions);

// Batches are cut at about this size, so that readers who want a few records need not unpack many.
inline constexpr std::size_t kBatchBytes = 1U << 20;

// Where records without a key go: each topic's partitions in turn, one for a whole batch.
class Spread {
 public:
  std::uint32_t next(const log::TopicInfo& topic);

 private:
  std::mutex mutex_;
  std::unordered_map<log::TopicId, std::uint32_t> last_;
};

// What a body came to, before it is committed.
struct CheckedBody {
  ProduceReply reply;
  std::vector<log::Append> appends;
  std::uint64_t records = 0;  // in the body, rejected and duplicates included
};

// Splits and checks `body` for a topic. `known` records at its front are duplicates: counted and
// left out. Errors as Api::produce.
Result<CheckedBody> check_body(std::string_view body, const ProduceOptions& options,
                               const log::TopicInfo& topic, const record::Type* type,
                               std::uint64_t known, Spread& spread, Timestamp now);

}  // namespace gameflow::api
