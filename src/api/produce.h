// A request's body becomes one commit: split, check, key, partition, number.
#pragma once

#include <cstdint>
#include <memory>
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

// What a body came to, before it is committed.
struct CheckedBody {
  ProduceReply reply;
  std::vector<log::Append> appends;
  std::uint64_t records = 0;  // in the body, rejected and duplicates included
  std::uint64_t known = 0;    // of them, those at the front that an earlier request has settled
};

// Splits and checks bodies. The types of the topics must outlive it: its decoders know them by
// address.
//
// Threads  check() may be called from any thread; each call takes a set of parsers and buffers and
//          puts it back.
class BodyChecker {
 public:
  BodyChecker();
  ~BodyChecker();
  BodyChecker(const BodyChecker&) = delete;
  BodyChecker& operator=(const BodyChecker&) = delete;

  // `known` records at the front of `body` have been sent before: they are checked as before, so
  // that the answer is the same, and the good ones are counted as duplicates and left out. Errors
  // as Api::produce.
  Result<CheckedBody> check(std::string_view body, const ProduceOptions& options,
                            const log::TopicInfo& topic, const record::Type* type,
                            std::uint64_t known, Timestamp now);

  struct Scratch;

 private:
  friend class RecordChecker;
  // Where the next batch of records without a key goes: each topic's partitions in turn.
  std::uint32_t next_partition(const log::TopicInfo& topic);

  std::mutex mutex_;
  std::vector<std::unique_ptr<Scratch>> idle_;
  std::unordered_map<log::TopicId, std::uint32_t> last_partition_;
};

}  // namespace gameflow::api
