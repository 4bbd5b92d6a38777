// A request's body becomes one commit: split, check, key, partition, number.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/api.h"
#include "base/mutex.h"
#include "log/producing.h"
#include "record/batch.h"
#include "record/type.h"

namespace gameflow::api {

// Batches are cut at about this size, so that readers who want a few records need not unpack many.
inline constexpr std::size_t kBatchBytes = 1U << 20;

// What a body came to, before it is committed. The records lie where they did, in the body or in
// `copies`: both stay until `appends` are stored.
struct CheckedBody {
  ProduceReply reply;
  std::vector<log::Append> appends;
  std::deque<std::string> copies;
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

  Mutex mutex_;
  std::vector<std::unique_ptr<Scratch>> idle_ GF_GUARDED_BY(mutex_);
  std::unordered_map<log::TopicId, std::uint32_t> last_partition_ GF_GUARDED_BY(mutex_);
};

// Requests to produce, from body to answer; exactly once over retries for producers that number
// their records.
//
// Threads  every method may be called from any thread. `done` runs as Producing::submit says.
class Produce {
 public:
  // Both outlive it.
  Produce(log::Producing& log, const Clock& clock) : log_(log), clock_(clock) {}

  // As Api::produce, for a topic that exists and its type (null: no schema).
  void run(const log::TopicInfo& topic, const record::Type* type, std::string_view body,
           const ProduceOptions& options, ProduceCallback done);
  void count_request(std::size_t body_bytes);
  Result<std::uint64_t> next_sequence(log::TopicId topic, std::string_view producer) const;
  ProduceStats stats() const;

 private:
  void after_race(log::TopicId topic, const ProduceOptions& options, std::uint64_t records,
                  ProduceReply reply, const ProduceCallback& done);
  void finish(ProduceReply reply, const ProduceCallback& done);

  log::Producing& log_;
  const Clock& clock_;
  BodyChecker bodies_;
  std::atomic<std::uint64_t> requests_{0}, accepted_{0}, duplicates_{0}, rejected_{0}, bytes_{0};
};

}  // namespace gameflow::api
