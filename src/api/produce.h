// A request's body becomes one commit: split, check, key, partition, number.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/api.h"
#include "log/store.h"
#include "record/batch.h"
#include "record/type.h"

namespace gameflow::api {

// The partition of a keyed record. Part of the format: docs/formats/partitioning.md.
std::uint32_t partition_of(std::string_view key, std::uint32_t partitions);

// What a body came to, before it is committed.
struct CheckedBody {
  ProduceReply reply;
  std::vector<record::BatchBuilder> partitions;  // one for each partition; some may be empty
  std::uint64_t records = 0;                     // in the body, rejected and duplicates included
};

// Splits and checks `body` for a topic. `known` records at its front are duplicates: counted and
// left out. Records without a key go to partition `spread` in turns of whole requests. Errors as
// Api::produce.
Result<CheckedBody> check_body(std::string_view body, const ProduceOptions& options,
                               const log::TopicInfo& topic, const record::Type* type,
                               std::uint64_t known, std::uint64_t spread, Timestamp now);

}  // namespace gameflow::api
