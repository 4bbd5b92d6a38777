// Topics: what they are, and their coming and going.
//
// Units    sizes are bytes; times are ms UTC from the Clock of the back end.
// Threads  every method may be called from any thread. Those that change something wait until it is
//          durable, in its turn among the commits; looking something up waits for nothing.
// Errors   returned; beside those named, kDiskFull, kDataUnwritable and kClosed leave nothing
//          behind, kOutcomeUnknown is that of Commits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/strong_id.h"
#include "base/time.h"
#include "record/batch.h"

namespace gameflow::log {

using record::Offset;

// Never reused, not even after the topic is deleted.
using TopicId = StrongId<std::uint32_t, struct TopicIdTag>;

inline constexpr std::uint32_t kPartitionsMax = 1024;

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

// How far the times of records are from when their batches were appended, at most; neither is
// negative.
struct TimeSpread {
  Duration ahead{0}, behind{0};
};

// Readable records are in [begin, end), not every offset of which has one; equal: there is none.
// Retention moves begin, appends move end.
struct PartitionInfo {
  Offset begin, end;
  std::uint64_t bytes = 0;  // stored size
  // When the newest batch was appended; nothing where none is known. Never falls: a batch for which
  // the clock says less has the time of the one before it.
  std::optional<Timestamp> appended_at = std::nullopt;
  // Of all records. Nothing: not known, as an earlier version wrote some of them.
  std::optional<TimeSpread> spread = TimeSpread{};
};

struct TopicInfo {
  TopicId id;
  TopicConfig config;
  Timestamp created_at;
  std::vector<PartitionInfo> partitions;
};

class Topics {
 public:
  virtual ~Topics() = default;

  // kTopicExists, kInvalidArgument (name or partitions)
  virtual Result<TopicInfo> create_topic(const TopicConfig& config) = 0;
  // What may go from now on; also while the disk is full. kTopicNotFound, kInvalidArgument
  virtual Status set_retention(std::string_view topic, const Retention& retention) = 0;
  // Records and producer stamps of the topic are gone; readers get kTopicNotFound.
  virtual Status delete_topic(std::string_view name) = 0;

  // kTopicNotFound
  virtual Result<TopicInfo> topic(std::string_view name) const = 0;
  virtual Result<TopicInfo> topic(TopicId id) const = 0;
  virtual std::vector<TopicInfo> topics() const = 0;  // by name
};

}  // namespace gameflow::log
