#include "log/catalog.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace gameflow::log {

CalmClockOptions age_clock_options(const Clock& clock, std::optional<Timestamp> newest) {
  constexpr Duration kHour{60LL * 60 * 1000};
  const Timestamp now = clock.now();
  return {.adopt_forward_after = kHour,
          .adopt_backward_after = {0},
          .start = std::min(newest.value_or(now), now)};
}

Status Catalog::check_new(const TopicConfig& config) const {
  if (!is_topic_name(config.name)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' cannot name a topic: use 1 to 200 letters, digits, '.', '_', '-'",
                            config.name));
  }
  if (config.partitions < 1 || config.partitions > kPartitionsMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("topic '{}' cannot have {} partitions: use 1 to {}", config.name,
                            config.partitions, kPartitionsMax));
  }
  GF_TRY(check_retention(config.name, config.retention()));
  if (by_name_.contains(config.name)) {
    return fail(ErrorCode::kTopicExists, fmt::format("topic '{}' exists already", config.name));
  }
  std::size_t partitions = config.partitions;
  for (const auto& [id, topic] : by_id_) partitions += topic.partitions.size();
  if (partitions > kPartitionsInTotalMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("topic '{}' with partitions: {} would make {} in all topics, and there "
                            "may be {}; use fewer, or delete topics that nobody needs",
                            config.name, config.partitions, partitions, kPartitionsInTotalMax));
  }
  return {};
}

void Catalog::add(TopicInfo info) {
  by_name_.emplace(info.config.name, info.id);
  by_id_.emplace(info.id, std::move(info));
}

void Catalog::set_retention(TopicId id, const Retention& retention) {
  TopicConfig& config = by_id_.at(id).config;
  config.retention_age = retention.age;
  config.retention_bytes = retention.bytes;
}

void Catalog::remove(TopicId id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  by_name_.erase(found->second.config.name);
  by_id_.erase(found);
}

Result<TopicInfo> Catalog::topic(std::string_view name) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) {
    return fail(ErrorCode::kTopicNotFound, fmt::format("topic '{}' does not exist", name));
  }
  return by_id_.at(found->second);
}

Result<TopicInfo> Catalog::topic(TopicId id) const {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) {
    return fail(ErrorCode::kTopicNotFound,
                fmt::format("the topic with id {} does not exist any more", id.value));
  }
  return found->second;
}

std::vector<TopicInfo> Catalog::topics() const {
  std::vector<TopicInfo> topics;
  topics.reserve(by_name_.size());
  for (const auto& [name, id] : by_name_) topics.push_back(by_id_.at(id));
  return topics;
}

Result<PartitionInfo> Catalog::partition(TopicId id, std::uint32_t partition) const {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) {
    return fail(ErrorCode::kTopicNotFound,
                fmt::format("the topic with id {} does not exist any more", id.value));
  }
  const TopicInfo& info = found->second;
  if (partition >= info.partitions.size()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("topic '{}' has no partition {}: it has {}, counted from 0",
                            info.config.name, partition, info.partitions.size()));
  }
  return info.partitions[partition];
}

void Catalog::set_partition(TopicId id, std::uint32_t partition, const PartitionInfo& info) {
  by_id_.at(id).partitions.at(partition) = info;
}

namespace {

Result<PreparedCommit> prepare_appends(std::vector<Append> appends, Timestamp appended_at) {
  PreparedCommit prepared;
  prepared.parts.reserve(appends.size());
  for (Append& append : appends) {
    prepared.bytes_raw += append.bytes();
    record::BatchBuilder::Sealed& sealed = append.sealed;
    if (sealed.batch != nullptr) {
      record::BatchBuilder::stamp(*sealed.batch, sealed.encoded, appended_at);
    } else if (append.batch.empty()) {
      return fail(ErrorCode::kInvalidArgument, "an appended batch holds no records");
    } else {
      sealed = append.batch.seal(appended_at);
    }
    PreparedCommit::Part part{.topic = append.topic,
                              .partition = append.partition,
                              .batch = std::move(sealed.batch),
                              .encoded = std::move(sealed.encoded),
                              .ids = std::move(append.ids)};
    prepared.memory_bytes +=
        part.encoded.size() + part.batch->memory_bytes() + part.ids.size() * sizeof(IdClaim);
    prepared.parts.push_back(std::move(part));
  }
  return prepared;
}

Status check_stamp(const ProducerStamp& stamp) {
  constexpr std::size_t kProducerBytesMax = 200;
  if (stamp.producer.size() > kProducerBytesMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a producer's name has at most {} bytes, not {}", kProducerBytesMax,
                            stamp.producer.size()));
  }
  if (stamp.position && (stamp.position->empty() || stamp.position->size() > kPositionBytesMax)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a position has 1 to {} bytes, not {}", kPositionBytesMax,
                            stamp.position->size()));
  }
  return {};
}

}  // namespace

Result<PreparedCommit> prepare(ProduceRequest request, Timestamp appended_at) {
  if (request.producer) GF_TRY(check_stamp(*request.producer));
  GF_ASSIGN(PreparedCommit prepared, prepare_appends(std::move(request.appends), appended_at));
  if (request.producer && request.producer->position)
    prepared.memory_bytes += request.producer->position->size();
  prepared.producer = std::move(request.producer);
  prepared.letters = std::move(request.letters);
  return prepared;
}

Result<PreparedCommit> prepare(Commit commit, Timestamp appended_at) {
  GF_ASSIGN(PreparedCommit prepared, prepare_appends(std::move(commit.appends), appended_at));
  for (const KeyRange& range : commit.erase) {
    prepared.memory_bytes += range.begin.size() + range.end.size();
  }
  for (const KeyValue& entry : commit.put) {
    prepared.memory_bytes += entry.key.size() + entry.value.size();
  }
  prepared.waits_for_fsync = !commit.is_repeatable || !prepared.parts.empty();
  prepared.erase = std::move(commit.erase);
  prepared.put = std::move(commit.put);
  return prepared;
}

void keep_in_order(PreparedCommit::Part& part, PartitionInfo& info) {
  if (info.appended_at && part.batch->appended_at() < *info.appended_at) {
    record::BatchBuilder::stamp(*part.batch, part.encoded, *info.appended_at);
  }
  info.appended_at = part.batch->appended_at();
  if (!info.spread) return;
  for (std::size_t i = 0; i < part.batch->size(); ++i) {
    const Duration ahead = part.batch->timestamp(i) - *info.appended_at;
    info.spread->ahead = std::max(info.spread->ahead, ahead);
    info.spread->behind = std::max(info.spread->behind, Duration{-ahead.ms});
  }
}

Status check_retention(std::string_view topic, const Retention& retention) {
  if (!retention.age || retention.age->ms >= 0) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("topic '{}': a retention age cannot be negative", topic));
}

Status check_names(const Catalog& catalog, const PreparedCommit& commit) {
  for (const PreparedCommit::Part& part : commit.parts) {
    GF_TRY(catalog.partition(part.topic, part.partition));
  }
  if (commit.letters) GF_TRY(catalog.topic(commit.letters->topic));
  return commit.producer ? check_scope(catalog, commit.producer->topic) : Status{};
}

Status check_scope(const Catalog& catalog, TopicId topic) {
  if (topic != kAllTopics) GF_TRY(catalog.topic(topic));
  return {};
}

Result<ProducerState> follow(const ProducerStamp& stamp, ProducerState before) {
  if (stamp.first_sequence != before.next_sequence) {
    return fail(ErrorCode::kSequenceGap,
                fmt::format("producer '{}' sent sequence {}, expected is {}", stamp.producer,
                            stamp.first_sequence, before.next_sequence));
  }
  before.next_sequence += stamp.count;
  if (stamp.position) before.position = stamp.position;
  return before;
}

Status check_offset(const PartitionInfo& info, TopicId topic, std::uint32_t partition,
                    Offset from) {
  if (from >= info.begin && from <= info.end) return {};
  return fail(ErrorCode::kOffsetOutOfRange,
              fmt::format("offset {} of topic id {}, partition {} {}: it holds [{}, {})",
                          from.value, topic.value, partition,
                          from < info.begin ? "was removed by retention" : "does not exist yet",
                          info.begin.value, info.end.value));
}

}  // namespace gameflow::log
