// Appending to topics for clients: each request by itself, nothing beside records in it.
//
// Threads  every method may be called from any thread, also from a callback. Callbacks run on the
//          store's commit thread (a refusal that needs no look at the store: inside submit; the
//          memory store: always). They must be quick, and may submit but not wait for it.
// Errors   returned, or handed to the callback. kDiskFull, kDataUnwritable, kClosed, kSequenceGap
//          and kTopicNotFound leave nothing behind; after kOutcomeUnknown the records may or may
//          not survive, and every later request fails the same way until the store is reopened.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "log/append.h"

namespace gameflow::log {

// A producer's claim that a request holds its records [first, first + count) of one topic. The
// store remembers the next expected number, in the same commit. Producers unused for 7 days are
// forgotten.
struct ProducerStamp {
  TopicId topic;
  std::string producer;  // chosen by the producer, at most 200 bytes
  std::uint64_t first_sequence = 0;
  std::uint64_t count = 0;
};

// All of it is appended, or none.
struct ProduceRequest {
  std::vector<Append> appends;
  std::optional<ProducerStamp> producer;
};

class Producing {
 public:
  virtual ~Producing() = default;

  using Callback = std::function<void(Result<CommitAck>)>;
  // Appends in order of submission. `done` runs once, when the records are readable and as durable
  // as the store's setting says, or it has failed: kSequenceGap for a stamp that does not start at
  // the next expected number (also when it lies before it: ask next_sequence and leave out what is
  // known), kDiskFull, kDataUnwritable (the data is not there any more), kClosed, kMemoryFull,
  // kTopicNotFound, kInvalidArgument (no such partition), kOutcomeUnknown.
  //
  // What values lie in, where they are lent to the batch, is read before this returns. Compresses
  // on this thread, and never waits, neither for the disk nor for others. So the store does not
  // bound what is waiting: who submits does. For HTTP that are the request bodies that are held
  // until they are answered, 256 MiB in all.
  virtual void submit(ProduceRequest request, Callback done) = 0;

  // The next sequence number the store expects of `producer`; 0 for one it does not know.
  // kTopicNotFound
  virtual Result<std::uint64_t> next_sequence(TopicId topic, std::string_view producer) const = 0;
};

}  // namespace gameflow::log
