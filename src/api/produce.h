// A request's body becomes one commit: split, check, key, partition, number.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/api.h"
#include "api/record_checker.h"
#include "base/mutex.h"
#include "log/producing.h"
#include "record/type.h"
#include "spec/ingest.h"

namespace gameflow::api {

// Splits and checks bodies. The types of the topics must outlive it: its decoders know them by
// address.
//
// Threads  check() may be called from any thread; each call takes a set of parsers and buffers and
//          puts it back.
class BodyChecker {
 public:
  // `known` records at the front of `body` have been sent before: they are checked as before, so
  // that the answer is the same, and the good ones are counted as duplicates and left out. Errors
  // as Api::produce.
  Result<CheckedBody> check(std::string_view body, const ProduceOptions& options,
                            const Destination& to, std::uint64_t known, Timestamp now);
  // The same for records that say where they go.
  Result<CheckedBody> check(std::string_view body, const ProduceOptions& options,
                            const FindTopic& find, std::uint64_t known, Timestamp now);
  // As Api::produce_events.
  Result<CheckedBody> check_events(std::string_view body, const ProduceOptions& options,
                                   const spec::Ingest& ingest, const FindTopic& find,
                                   std::uint64_t known, Timestamp now);

 private:
  class Lease;

  Result<CheckedBody> check_keyed(std::string_view body, const ProduceOptions& options,
                                  const FindTopic& find, bool have_topics, std::uint64_t known,
                                  Timestamp now);

  Turns turns_;
  Mutex mutex_;
  std::vector<std::unique_ptr<CheckScratch>> idle_ GF_GUARDED_BY(mutex_);
};

// Requests to produce, from body to answer; exactly once over retries for producers that number
// their records.
//
// Threads  every method may be called from any thread. `done` runs as Producing::submit says.
class Produce {
 public:
  // The topic that letters of clashes go to; nothing: there is none.
  using DeadLetters = std::function<std::optional<log::TopicId>()>;
  // References outlive it.
  Produce(log::Producing& log, const Clock& clock, DeadLetters dead_letters)
      : log_(log), clock_(clock), dead_letters_(std::move(dead_letters)) {}

  // As Api::produce, to a topic that exists.
  void run(const Destination& to, std::string_view body, const ProduceOptions& options,
           ProduceCallback done);
  // As Api::produce_routed.
  void run(const FindTopic& find, std::string_view body, const ProduceOptions& options,
           ProduceCallback done);
  // As Api::produce_events.
  void run_events(const spec::Ingest& ingest, const FindTopic& find, std::string_view body,
                  const ProduceOptions& options, ProduceCallback done);
  ClocksByPlatform clocks() const;
  void count_request(std::size_t body_bytes);
  ProduceStats stats() const;

 private:
  using Check = std::function<Result<CheckedBody>(std::uint64_t known)>;
  void run(log::TopicId scope, const ProduceOptions& options, const Check& check,
           ProduceCallback done);
  void after_race(log::TopicId scope, const ProduceOptions& options, std::uint64_t records,
                  ProduceReply reply, const ProduceCallback& done);
  void finish(ProduceReply reply, const ProduceCallback& done);
  void count_clocks(const ClocksByPlatform& clocks);

  log::Producing& log_;
  const Clock& clock_;
  const DeadLetters dead_letters_;
  BodyChecker bodies_;
  mutable Mutex mutex_;
  ClocksByPlatform clocks_ GF_GUARDED_BY(mutex_);
  std::map<ErrorCode, std::uint64_t> rejected_by_ GF_GUARDED_BY(mutex_);
  std::atomic<std::uint64_t> requests_{0}, accepted_{0}, duplicates_{0}, rejected_{0}, bytes_{0};
};

}  // namespace gameflow::api
