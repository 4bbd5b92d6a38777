#include "log/rocksdb/keys.h"

#include <algorithm>
#include <cassert>
#include <concepts>
#include <cstddef>

namespace gameflow::log {
namespace {

// In a topic's record; no real age or size is that large.
constexpr std::uint64_t kNoLimit = UINT64_MAX;

template <std::unsigned_integral T>
void put(std::string& out, T number) {
  for (int shift = 8 * static_cast<int>(sizeof number) - 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(number >> shift));
  }
}

// Takes numbers from the front of `in`; the caller has checked that they are there.
template <std::unsigned_integral T>
T take(std::string_view& in) {
  assert(in.size() >= sizeof(T));
  T number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i) {
    number = static_cast<T>(number << 8 | static_cast<unsigned char>(in[i]));
  }
  in.remove_prefix(sizeof number);
  return number;
}

std::string tagged(char tag, TopicId id) {
  std::string key(1, tag);
  put(key, id.value);
  return key;
}

tl::unexpected<Error> corrupt(const char* what) {
  return fail(ErrorCode::kDataCorrupt, std::string(what) + " has another length than it should");
}

}  // namespace

std::string topic_key(TopicId id) {
  return tagged('t', id);
}

std::string partition_prefix(TopicId id) {
  return tagged('p', id);
}

std::string partition_key(TopicId id, std::uint32_t partition) {
  std::string key = partition_prefix(id);
  put(key, partition);
  return key;
}

std::string producer_prefix(TopicId id) {
  return tagged('s', id);
}

std::string producer_key(TopicId id, std::string_view producer) {
  return producer_prefix(id).append(producer);
}

std::string_view producer_of(std::string_view producer_key) {
  return producer_key.substr(1 + sizeof(TopicId::value));
}

std::string log_prefix(TopicId id) {
  return encode_number(id.value);
}

std::string log_key(TopicId id, std::uint32_t partition, Offset base) {
  std::string key;
  key.reserve(16);
  put(key, id.value);
  put(key, partition);
  put(key, base.value);
  return key;
}

std::string id_prefix(TopicId id) {
  return encode_number(id.value);
}

std::string id_key(const IdKey& key) {
  std::string bytes;
  bytes.reserve(20);
  put(bytes, key.topic.value);
  return bytes.append(key.digest.bytes.data(), key.digest.bytes.size());
}

TopicId topic_of_id(std::string_view id_key) {
  return {take<std::uint32_t>(id_key)};
}

Offset base_offset_of(std::string_view log_key) {
  log_key.remove_prefix(log_key.size() - sizeof(std::uint64_t));
  return {take<std::uint64_t>(log_key)};
}

std::string encode_number(std::uint32_t number) {
  std::string value;
  put(value, number);
  return value;
}

Result<std::uint32_t> decode_number(std::string_view value) {
  if (value.size() != 4) return corrupt("a number");
  return take<std::uint32_t>(value);
}

std::string encode_topic(const TopicInfo& info) {
  const TopicConfig& config = info.config;
  std::string value;
  put(value, static_cast<std::uint64_t>(info.created_at.ms));
  put(value,
      config.retention_age ? static_cast<std::uint64_t>(config.retention_age->ms) : kNoLimit);
  put(value, config.retention_bytes.value_or(kNoLimit));
  put(value, config.partitions);
  return value.append(config.name);
}

Result<TopicInfo> decode_topic(std::string_view key, std::string_view value) {
  if (key.size() != 5 || value.size() < 29) return corrupt("the record of a topic");
  key.remove_prefix(1);
  TopicInfo info;
  info.id = {take<std::uint32_t>(key)};
  info.created_at = {static_cast<std::int64_t>(take<std::uint64_t>(value))};
  const auto age = take<std::uint64_t>(value);
  if (age != kNoLimit) info.config.retention_age = Duration{static_cast<std::int64_t>(age)};
  const auto bytes = take<std::uint64_t>(value);
  if (bytes != kNoLimit) info.config.retention_bytes = bytes;
  info.config.partitions = take<std::uint32_t>(value);
  info.config.name = value;
  return info;
}

std::string encode_partition(const PartitionInfo& info) {
  std::string value;
  put(value, info.begin.value);
  put(value, info.end.value);
  put(value, info.bytes);
  if (info.spread) {
    put(value, static_cast<std::uint64_t>(info.spread->ahead.ms));
    put(value, static_cast<std::uint64_t>(info.spread->behind.ms));
  }
  return value;
}

Result<PartitionInfo> decode_partition(std::string_view value) {
  constexpr std::size_t kBytes = 24, kBytesWithSpread = 40;
  if (value.size() != kBytes && value.size() != kBytesWithSpread)
    return corrupt("the record of a partition");
  const bool has_spread = value.size() == kBytesWithSpread;
  PartitionInfo info;
  info.begin = {take<std::uint64_t>(value)};
  info.end = {take<std::uint64_t>(value)};
  info.bytes = take<std::uint64_t>(value);
  if (has_spread) {
    info.spread->ahead = {static_cast<std::int64_t>(take<std::uint64_t>(value))};
    info.spread->behind = {static_cast<std::int64_t>(take<std::uint64_t>(value))};
  } else if (info.begin != info.end) {
    info.spread = std::nullopt;
  }
  return info;
}

std::string encode_producer(const ProducerRecord& record) {
  std::string value;
  put(value, record.state.next_sequence);
  put(value, static_cast<std::uint64_t>(record.used_at.ms));
  return value.append(record.state.position.value_or(""));
}

Result<ProducerRecord> decode_producer(std::string_view value) {
  if (value.size() < 16) return corrupt("the record of a producer");
  ProducerRecord record;
  record.state.next_sequence = take<std::uint64_t>(value);
  record.used_at = {static_cast<std::int64_t>(take<std::uint64_t>(value))};
  if (!value.empty()) record.state.position = value;
  return record;
}

std::string encode_id(const IdRecord& record) {
  std::string value(record.content.bytes.data(), record.content.bytes.size());
  value.reserve(36);
  put(value, record.until ? static_cast<std::uint64_t>(record.until->ms) : kNoLimit);
  put(value, record.place.partition);
  put(value, record.place.offset.value);
  return value;
}

Result<IdRecord> decode_id(std::string_view value) {
  if (value.size() != 36) return corrupt("the record of an id");
  IdRecord record;
  std::copy_n(value.begin(), record.content.bytes.size(), record.content.bytes.begin());
  value.remove_prefix(record.content.bytes.size());
  const auto until = take<std::uint64_t>(value);
  if (until != kNoLimit) record.until = Timestamp{static_cast<std::int64_t>(until)};
  record.place.partition = take<std::uint32_t>(value);
  record.place.offset = {take<std::uint64_t>(value)};
  return record;
}

}  // namespace gameflow::log
