// What both back ends share: the topics as they stand in memory, and commits made ready to store.
//
// Threads  a Catalog is guarded by its owner; the functions are pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/calm_clock.h"
#include "base/error.h"
#include "base/time.h"
#include "log/commits.h"
#include "log/producing.h"
#include "log/topics.h"
#include "record/batch.h"

namespace gameflow::log {

// For the clock that ages are measured with, of records and producers. A wrong clock must not
// delete what cannot be brought back, so this one goes by what the store has seen: from the newest
// time in it (nothing: it is empty) and steady time since. What the clock says beyond that counts
// after an hour; what it says below that, at once, as it deletes nothing.
CalmClockOptions age_clock_options(const Clock& clock, std::optional<Timestamp> newest);

// Of all topics: what is told of each (metrics, lists of topics, the catalog in memory) must not
// grow without end because anybody may make topics.
inline constexpr std::size_t kPartitionsInTotalMax = 16'384;

// Topics by name and id, with what each partition holds.
class Catalog {
 public:
  // kInvalidArgument or kTopicExists, where `config` cannot become a topic.
  Status check_new(const TopicConfig& config) const;
  void add(TopicInfo info);
  // Precondition: the topic exists.
  void set_retention(TopicId id, const Retention& retention);
  void remove(TopicId id);

  // kTopicNotFound
  Result<TopicInfo> topic(std::string_view name) const;
  Result<TopicInfo> topic(TopicId id) const;
  std::vector<TopicInfo> topics() const;  // by name

  // kTopicNotFound, kInvalidArgument (no such partition)
  Result<PartitionInfo> partition(TopicId id, std::uint32_t partition) const;
  // Precondition: partition() succeeds.
  void set_partition(TopicId id, std::uint32_t partition, const PartitionInfo& info);

 private:
  std::map<TopicId, TopicInfo> by_id_;
  std::map<std::string, TopicId, std::less<>> by_name_;
};

// A commit in the form in which it is stored.
struct PreparedCommit {
  struct Part {
    TopicId topic;
    std::uint32_t partition = 0;
    std::shared_ptr<record::Batch> batch;  // not placed yet
    std::string encoded;
    std::vector<IdClaim> ids;
  };
  std::vector<Part> parts;
  std::optional<ProducerStamp> producer;
  std::optional<ClashLetters> letters;
  std::vector<KeyRange> erase;
  std::vector<KeyValue> put;
  bool waits_for_fsync = true;   // where the store's setting says so
  std::uint64_t bytes_raw = 0;   // of keys and values of records
  std::size_t memory_bytes = 0;  // that it holds until it is committed

  bool has_ids() const {
    return std::ranges::any_of(parts, [](const Part& part) { return !part.ids.empty(); });
  }
};

// The expensive part of a commit (LZ4), on the submitter's thread. kInvalidArgument: an empty
// batch, an over-long producer name, a position of another size than it may have.
Result<PreparedCommit> prepare(ProduceRequest request, Timestamp appended_at);
Result<PreparedCommit> prepare(Commit commit, Timestamp appended_at);

// Sees to it that the append times of a partition do not fall: `part` goes behind what `info`
// tells, which then tells of the times of `part`.
void keep_in_order(PreparedCommit::Part& part, PartitionInfo& info);

// kInvalidArgument. `topic` is for the message.
Status check_retention(std::string_view topic, const Retention& retention);

// kTopicNotFound, kInvalidArgument: `commit` names something that does not exist.
Status check_names(const Catalog& catalog, const PreparedCommit& commit);
// kTopicNotFound, unless producers may number their records by this topic.
Status check_scope(const Catalog& catalog, TopicId topic);

// What is true of the producer behind the stamp. kSequenceGap, unless the stamp goes on where
// `before` ends.
Result<ProducerState> follow(const ProducerStamp& stamp, ProducerState before);

// kOffsetOutOfRange, unless `from` lies in the partition or at its end.
Status check_offset(const PartitionInfo& info, TopicId topic, std::uint32_t partition, Offset from);

}  // namespace gameflow::log
