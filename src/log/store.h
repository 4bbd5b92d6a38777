// The store: topics, and the engine's state beside them, in one place that commits atomically.
//
// Everything above sees the world through this seam: read batches, commit an epoch, restore state.
// Back ends are rocksdb/ (durable) and memory/ (for tests and `gameflow test`; can fail on demand).
//
// Units    sizes are bytes; offsets count records; times are ms UTC from the Clock of the back end.
// Threads  every method may be called from any thread. Callbacks and listeners run on the store's
//          commit thread (a refusal that needs no look at the store: inside submit; the memory
//          store: always). They must be quick, and may submit but not wait for it.
// Errors   returned. kDiskFull, kDataUnwritable, kClosed and kTopicNotFound leave nothing behind;
//          after kOutcomeUnknown the commit may or may not survive, and every later one fails the
//          same way until the store is reopened.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/strong_id.h"
#include "base/time.h"
#include "record/batch.h"

namespace gameflow::log {

using record::BatchPtr;
using record::Offset;

// Never reused, not even after the topic is deleted.
using TopicId = StrongId<std::uint32_t, struct TopicIdTag>;

// What an acknowledged commit survives.
enum class Durability : std::uint8_t {
  // Power loss: the log is fsynced before the acknowledgement, one fsync for a group of commits.
  kFsync,
  // A crash of the program; after power loss at most the last interval (1 s) is gone.
  kInterval,
  // A crash of the program; the operating system writes when it likes.
  kNone,
};

inline constexpr std::uint32_t kPartitionsMax = 1024;
inline constexpr std::size_t kRecordBytesMax = 8U << 20;

// Letters, digits, '.', '_' and '-', at most 200 of them, not "." or "..".
bool is_topic_name(std::string_view name);

// As in TopicConfig.
struct Retention {
  std::optional<Duration> age;
  std::optional<std::uint64_t> bytes;

  friend bool operator==(const Retention&, const Retention&) = default;
};

struct TopicConfig {
  std::string name;
  std::uint32_t partitions = 1;
  // Batches older than this (by append time) may go, none before those ahead of it; nothing: kept
  // for ever.
  std::optional<Duration> retention_age = std::nullopt;
  // Oldest batches go while a partition holds more than this, stored size; nothing: no limit.
  std::optional<std::uint64_t> retention_bytes = std::nullopt;

  Retention retention() const { return {retention_age, retention_bytes}; }
};

// Readable records are [begin, end). Equal when empty. Retention moves begin, appends move end.
struct PartitionInfo {
  Offset begin, end;
  std::uint64_t bytes = 0;  // stored size
};

struct TopicInfo {
  TopicId id;
  TopicConfig config;
  Timestamp created_at;
  std::vector<PartitionInfo> partitions;
};

// One batch for one partition.
struct Append {
  TopicId topic;
  std::uint32_t partition = 0;
  record::BatchBuilder batch;  // not empty
};

// A producer's claim that a commit holds its records [first, first + count) of one topic. The store
// remembers the next expected number, in the same commit. Producers unused for 7 days are
// forgotten.
struct ProducerStamp {
  TopicId topic;
  std::string producer;  // chosen by the producer, at most 200 bytes
  std::uint64_t first_sequence = 0;
  std::uint64_t count = 0;
};

struct KeyValue {
  std::string key, value;
};

// [begin, end) in byte order.
struct KeyRange {
  std::string begin, end;
};

// All of it happens, or none. Erasures are applied before puts.
struct Commit {
  std::vector<Append> appends;
  std::optional<ProducerStamp> producer;
  std::vector<KeyRange> erase;
  std::vector<KeyValue> put;
};

struct CommitAck {
  std::vector<Offset> base_offsets;  // one for each append, in order
};

class Store {
 public:
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  virtual ~Store() = default;

  // kTopicExists, kInvalidArgument (name or partitions)
  virtual Result<TopicInfo> create_topic(const TopicConfig& config) = 0;
  // What may go from now on. Durable when it returns; also while the disk is full.
  // kTopicNotFound, kInvalidArgument
  virtual Status set_retention(std::string_view topic, const Retention& retention) = 0;
  // Durable when it returns. Records, producer stamps of the topic are gone; readers get
  // kTopicNotFound.
  virtual Status delete_topic(std::string_view name) = 0;
  virtual Result<TopicInfo> topic(std::string_view name) const = 0;
  virtual Result<TopicInfo> topic(TopicId id) const = 0;
  virtual std::vector<TopicInfo> topics() const = 0;  // by name

  using CommitCallback = std::function<void(Result<CommitAck>)>;
  // Commits in order of submission. `done` runs once, when the commit is readable and as durable as
  // the store's setting says, or has failed: kSequenceGap for a stamp that does not start at the
  // next expected number (also when it lies before it: ask next_sequence and leave out what is
  // known), kDiskFull, kDataUnwritable (the data is not there any more), kClosed, kTopicNotFound,
  // kInvalidArgument (no such partition), kOutcomeUnknown. Blocks while more than 64 MiB wait to be
  // committed.
  virtual void submit(Commit commit, CommitCallback done) = 0;
  // submit, and wait for it.
  Result<CommitAck> commit(Commit commit);

  // The next sequence number the store expects of `producer`; 0 for one it does not know.
  virtual Result<std::uint64_t> next_sequence(TopicId topic, std::string_view producer) const = 0;

  // Whole batches, oldest first, the first of which holds `from`; at least one batch if there is
  // any, then more up to `bytes_max` of memory. Empty at the end of the partition. Recent batches
  // come from memory. Never waits.
  //   kOffsetOutOfRange  `from` is before begin (retention) or past end
  //   kDataCorrupt       a stored batch fails its checksum; the message names topic, partition
  //                      and offset
  virtual Result<std::vector<BatchPtr>> read(TopicId topic, std::uint32_t partition, Offset from,
                                             std::size_t bytes_max) const = 0;

  // The engine's own keys: beside the topics, in the same commits.
  virtual Result<std::optional<std::string>> get(std::string_view key) const = 0;
  virtual Result<std::vector<KeyValue>> scan(const KeyRange& range) const = 0;  // in key order

  // `changed(topic)` runs after every commit with records for the topic, once they are readable,
  // and when the topic is deleted. Returns a number for unlisten; unlisten returns after the last
  // call has.
  using ListenerId = std::uint64_t;
  using Listener = std::function<void(TopicId)>;
  virtual ListenerId listen(Listener changed) = 0;
  virtual void unlisten(ListenerId id) = 0;

  // Why commits cannot be accepted at the moment, or success: kDiskFull, kDataUnwritable,
  // kOutcomeUnknown, kClosed.
  virtual Status health() const = 0;

  struct Stats {
    std::uint64_t commits = 0, records = 0, bytes_raw = 0, bytes_stored = 0, fsyncs = 0;
    std::uint64_t disk_free_bytes = 0, disk_used_bytes = 0;
    std::uint64_t groups = 0;
    // From the start of a group to its acknowledgement, summed over groups.
    double commit_seconds_total = 0;
  };
  virtual Stats stats() const = 0;

  // Applies retention now; the back end also does so about once a minute by itself.
  virtual Status apply_retention() = 0;

  // Commits everything submitted, then refuses more (kClosed). Idempotent; the destructor calls it.
  virtual void close() = 0;
};

}  // namespace gameflow::log
