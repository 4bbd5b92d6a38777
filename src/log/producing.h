// Appending to topics for clients: each request by itself, nothing beside records in it.
//
// Threads  every method may be called from any thread, also from a callback, but for
//          forget_producer(), which waits. Callbacks run on the store's commit thread (a refusal
//          that needs no look at the store: inside submit; the memory store: always). They must be
//          quick, and may submit but not wait for it.
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
#include "base/time.h"
#include "log/append.h"

namespace gameflow::log {

// Instead of a topic: a producer that numbers its records over all topics. No topic has this id.
inline constexpr TopicId kAllTopics{0};

inline constexpr std::size_t kPositionBytesMax = 4096;
// The store forgets a producer without a position that has not been heard of for this long.
inline constexpr Duration kProducerMemory{7LL * 24 * 60 * 60 * 1000};

// A producer's claim that a request holds its records [first, first + count) of one topic, or of
// all. The store remembers the next expected number, and the position, in the same commit.
struct ProducerStamp {
  TopicId topic;
  std::string producer;  // chosen by the producer, at most 200 bytes
  std::uint64_t first_sequence = 0;
  std::uint64_t count = 0;
  // Where the producer goes on behind these records: text of its own, 1 to kPositionBytesMax bytes.
  // Nothing: as before.
  std::optional<std::string> position = std::nullopt;
};

// What the store remembers of a producer.
struct ProducerState {
  std::uint64_t next_sequence = 0;
  std::optional<std::string> position = std::nullopt;

  friend bool operator==(const ProducerState&, const ProducerState&) = default;
};

struct NamedProducer {
  std::string producer;
  ProducerState state;
};

// All of it is appended, or none; but records whose ids are taken are left out.
struct ProduceRequest {
  std::vector<Append> appends;
  std::optional<ProducerStamp> producer;
  std::optional<ClashLetters> letters = {};  // nothing: clashes are only told
};

class Producing {
 public:
  virtual ~Producing() = default;

  using Callback = std::function<void(Result<CommitAck>)>;
  // Appends in order of submission. `done` runs once, when the records are readable and as durable
  // as the store's setting says, or it has failed: kSequenceGap for a stamp that does not start at
  // the next expected number (also when it lies before it: ask producer() and leave out what is
  // known), kDiskFull, kDataUnwritable (the data is not there any more), kClosed, kMemoryFull,
  // kTopicNotFound, kInvalidArgument (no such partition), kOutcomeUnknown.
  //
  // What values lie in, where they are lent to the batch, is read before this returns. Compresses
  // on this thread, and never waits, neither for the disk nor for others. So the store does not
  // bound what is waiting: who submits does. For HTTP that are the request bodies that are held
  // until they are answered, 256 MiB in all.
  virtual void submit(ProduceRequest request, Callback done) = 0;

  // The next sequence number the store expects of `producer`, and its position; 0 and nothing for
  // one it does not know. `topic` may be kAllTopics. kTopicNotFound
  virtual Result<ProducerState> producer(TopicId topic, std::string_view producer) const = 0;
  // Those over all topics that have a position, by name.
  virtual Result<std::vector<NamedProducer>> positions() const = 0;
  // Afterwards it is unknown. kTopicNotFound, kDataUnwritable, kClosed, kOutcomeUnknown
  virtual Status forget_producer(TopicId topic, std::string_view producer) = 0;
};

}  // namespace gameflow::log
