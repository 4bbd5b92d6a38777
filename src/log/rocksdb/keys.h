// Keys and values of the default ("meta"), "log" and "ids" column families. Format:
// docs/formats/store.md.
//
// Integers are big-endian throughout, so that keys sort by number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "log/id_book.h"
#include "log/producing.h"
#include "log/topics.h"

namespace gameflow::log {

inline constexpr std::uint32_t kStoreFormat = 1;
inline constexpr std::string_view kFormatKey = "format";
inline constexpr std::string_view kNextTopicIdKey = "next-topic-id";
inline constexpr std::string_view kTopicKeysBegin = "t", kTopicKeysEnd = "u";
inline constexpr std::string_view kProducerKeysBegin = "s", kProducerKeysEnd = "t";

// Of a producer, for one topic or all.
struct ProducerRecord {
  ProducerState state;
  Timestamp used_at;

  // At a time of the clock of ages.
  bool is_forgotten(Timestamp now) const {
    return !state.position && used_at + kProducerMemory <= now;
  }
};

std::string topic_key(TopicId id);
std::string partition_key(TopicId id, std::uint32_t partition);
std::string producer_key(TopicId id, std::string_view producer);
std::string log_key(TopicId id, std::uint32_t partition, Offset base);
std::string id_key(const IdKey& key);
// All keys of a topic are in [the key or prefix of it, that of the next id).
std::string partition_prefix(TopicId id);
std::string producer_prefix(TopicId id);
std::string log_prefix(TopicId id);
std::string id_prefix(TopicId id);

TopicId topic_of_id(std::string_view id_key);     // of an id_key()
Offset base_offset_of(std::string_view log_key);  // of a log_key()
std::string_view producer_of(std::string_view producer_key);

std::string encode_number(std::uint32_t number);
std::string encode_topic(const TopicInfo& info);  // without what its partitions hold
std::string encode_partition(const PartitionInfo& info);
std::string encode_producer(const ProducerRecord& record);
std::string encode_id(const IdRecord& record);

// kDataCorrupt: the bytes are not what encode wrote.
Result<std::uint32_t> decode_number(std::string_view value);
Result<TopicInfo> decode_topic(std::string_view key, std::string_view value);
Result<PartitionInfo> decode_partition(std::string_view value);
Result<ProducerRecord> decode_producer(std::string_view value);
Result<IdRecord> decode_id(std::string_view value);

}  // namespace gameflow::log
