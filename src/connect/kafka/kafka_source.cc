// Position  the next offset of each partition, `0:17 1:4`. The group's offsets play no part: it is
//           never joined, so that nothing is assigned or committed by it.
#include "connect/kafka/kafka_source.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <deque>
#include <map>

#include <fmt/format.h>

#include "connect/kafka/kafka_client.h"
#include "connect/support/slice.h"

namespace gameflow::connect {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kLookEvery = 30s;  // for new partitions
constexpr std::size_t kMessagesAtOnce = 500;
// What librdkafka reads ahead. Once it has so much it stops for a second, however soon that is used
// up: so it is what a second may need. With 16 MiB a million records of 280 bytes took 11 s.
constexpr const char* kQueuedMax = "1000000";
constexpr const char* kQueuedKbytesMax = "131072";
constexpr std::size_t kValueMax = 4U << 20;

constexpr std::string_view kStarts[] = {"earliest", "latest"};
constexpr Setting kSettings[] = {
    kKafkaUrl,
    kafka_topic_setting("game-events"),
    {.key = "start",
     .kind = SettingKind::kWord,
     .fallback = "earliest",
     .doc = "where to begin at the very first time",
     .words = kStarts},
    {.key = "group",
     .fallback = "gameflow",
     .doc = "the group whose rights count; it is not joined, and its offsets are not used"},
    kafka_options_setting("{ security.protocol: SASL_SSL, sasl.mechanism: SCRAM-SHA-512 }"),
};

class KafkaSource final : public Source {
 public:
  KafkaSource(const Settings& settings, Host& host)
      : host_(host),
        topic_(settings.text("topic")),
        starts_at_end_(settings.text("start") == "latest"),
        client_(RD_KAFKA_CONSUMER,
                {{"bootstrap.servers", settings.text("url")},
                 {"client.id", "gameflow"},
                 {"group.id", settings.text("group")},
                 {"enable.auto.commit", "false"},
                 {"enable.auto.offset.store", "false"},
                 {"enable.partition.eof", "true"},
                 {"auto.offset.reset", "earliest"},
                 {"isolation.level", "read_committed"},
                 {"queued.min.messages", kQueuedMax},
                 {"queued.max.messages.kbytes", kQueuedKbytesMax}},
                kafka_options(settings), host) {}

  void open(std::string_view position) override;
  Batch poll(milliseconds wait, std::size_t bytes_max) override;
  std::optional<std::uint64_t> lag() const override;
  void close() noexcept override {
    messages_.clear();
    queue_.reset();
  }

 private:
  void find_partitions(bool is_first);
  std::int64_t first_offset(std::int32_t partition, bool is_first);
  void assign();
  void fetch(milliseconds wait);
  void take(const rd_kafka_message_t& message, Batch& batch, std::size_t& bytes);
  std::string position() const;

  Host& host_;
  std::string topic_;
  bool starts_at_end_;
  bool is_assigned_ = false;
  std::map<std::int32_t, std::int64_t> next_;  // of each partition that is known
  std::uint64_t tombstones_ = 0;
  steady_clock::time_point next_look_{};
  KafkaClient client_;
  KafkaQueue queue_;
  std::deque<KafkaMessage> messages_;  // fetched, and not taken yet
};

void KafkaSource::open(std::string_view position) {
  const bool is_first = position.empty();
  while (!position.empty()) {
    const std::string_view one = position.substr(0, position.find(' '));
    position.remove_prefix(std::min(position.size(), one.size() + 1));
    const char* const end = one.data() + one.size();
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    const auto first = std::from_chars(one.data(), end, partition);
    if (first.ec != std::errc() || first.ptr == end || *first.ptr != ':' ||
        std::from_chars(first.ptr + 1, end, offset).ptr != end)
      throw std::runtime_error(
          "the stored position is not one of a kafka-source: `gameflow connector delete NAME` "
          "forgets it");
    next_[partition] = offset;
  }
  queue_.reset(rd_kafka_queue_get_consumer(client_.get()));
  for (auto& [partition, offset] : next_) {
    std::int64_t low = 0, high = 0;
    const auto code = rd_kafka_query_watermark_offsets(client_.get(), topic_.c_str(), partition,
                                                       &low, &high, kKafkaAnswerMax.count());
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
      client_.fail(code,
                   fmt::format("no answer from Kafka for partition {} of '{}'", partition, topic_));
    if (offset >= low && offset <= high) continue;
    host_.tell(
        offset < low
            ? fmt::format("partition {}: Kafka has removed {} records that were not read yet",
                          partition, low - offset)
            : fmt::format("partition {}: it ends at {}, but was read up to {}: has the topic "
                          "been made anew? It is read from its beginning",
                          partition, high, offset));
    offset = low;
  }
  find_partitions(is_first);
}

std::int64_t KafkaSource::first_offset(std::int32_t partition, bool is_first) {
  if (!is_first || !starts_at_end_) return 0;  // or the first that there is: auto.offset.reset
  std::int64_t low = 0, high = 0;
  const auto code = rd_kafka_query_watermark_offsets(client_.get(), topic_.c_str(), partition, &low,
                                                     &high, kKafkaAnswerMax.count());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) client_.fail(code, "no answer from Kafka");
  return high;
}

void KafkaSource::find_partitions(bool is_first) {
  next_look_ = steady_clock::now() + kLookEvery;
  const std::int32_t count = client_.count_partitions(topic_, kKafkaAnswerMax);
  if (!is_first && next_.size() >= static_cast<std::size_t>(count) && is_assigned_) return;
  for (std::int32_t partition = 0; partition < count; ++partition)
    if (!next_.contains(partition)) next_[partition] = first_offset(partition, is_first);
  if (position().size() > 4'096)
    throw std::runtime_error(
        fmt::format("topic: '{}' has {} partitions, more than one connector "
                    "can follow (about 250)",
                    topic_, count));
  assign();
}

void KafkaSource::assign() {
  messages_.clear();
  const KafkaPartitions list(rd_kafka_topic_partition_list_new(static_cast<int>(next_.size())));
  for (const auto& [partition, offset] : next_)
    rd_kafka_topic_partition_list_add(list.get(), topic_.c_str(), partition)->offset = offset;
  const auto code = rd_kafka_assign(client_.get(), list.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) client_.fail(code, "partitions cannot be read");
  is_assigned_ = true;
}

void KafkaSource::fetch(milliseconds wait) {
  // A batch would wait until it is full.
  KafkaMessage first(rd_kafka_consume_queue(queue_.get(), static_cast<int>(wait.count())));
  if (!first) return;
  messages_.push_back(std::move(first));
  std::array<rd_kafka_message_t*, kMessagesAtOnce> fetched{};
  const ssize_t count =
      rd_kafka_consume_batch_queue(queue_.get(), 0, fetched.data(), fetched.size());
  for (ssize_t i = 0; i < count; ++i) messages_.emplace_back(fetched[static_cast<std::size_t>(i)]);
}

void KafkaSource::take(const rd_kafka_message_t& message, Batch& batch, std::size_t& bytes) {
  std::int64_t& next = next_[message.partition];
  // Behind the last record stand marks of transactions: so the position is at the very end.
  if (message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    next = std::max(next, message.offset);
    return;
  }
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR)
    client_.fail(message.err, fmt::format("topic '{}'", topic_));
  next = message.offset + 1;
  if (message.payload == nullptr) {
    ++tombstones_;
    if ((tombstones_ & (tombstones_ - 1)) == 0)
      host_.tell(fmt::format("records without a value are left out, {} so far", tombstones_));
    return;
  }
  if (message.len > kValueMax) {
    host_.tell(
        fmt::format("partition {}, offset {}: a record of {} bytes is left out: 4 MiB is "
                    "the limit",
                    message.partition, message.offset, message.len));
    return;
  }
  Record record{.value = std::string(static_cast<const char*>(message.payload), message.len)};
  if (message.key != nullptr)
    record.key = std::string(static_cast<const char*>(message.key), message.key_len);
  bytes += message.len;
  batch.records.push_back(std::move(record));
}

Batch KafkaSource::poll(milliseconds wait, std::size_t bytes_max) {
  const auto deadline = steady_clock::now() + wait;
  Batch batch;
  std::size_t bytes = 0;
  if (messages_.empty() && steady_clock::now() > next_look_) find_partitions(false);
  while (bytes < bytes_max) {
    if (messages_.empty()) {
      const auto rest = std::chrono::ceil<milliseconds>(
          std::max<steady_clock::duration>(deadline - steady_clock::now(), 0ms));
      fetch(batch.records.empty() ? std::min(rest, kSlice) : 0ms);
      client_.serve(0ms);
    }
    if (messages_.empty()) {
      const bool is_time = steady_clock::now() >= deadline || host_.is_stopping();
      if (!batch.records.empty() || is_time) break;
      continue;
    }
    take(*messages_.front(), batch, bytes);
    messages_.pop_front();
  }
  batch.position = position();
  return batch;
}

std::string KafkaSource::position() const {
  std::string text;
  for (const auto& [partition, offset] : next_)
    text += fmt::format("{}{}:{}", text.empty() ? "" : " ", partition, offset);
  return text;
}

std::optional<std::uint64_t> KafkaSource::lag() const {
  std::int64_t records = 0;
  for (const auto& [partition, offset] : next_) {
    std::int64_t low = 0, high = 0;
    if (rd_kafka_get_watermark_offsets(client_.get(), topic_.c_str(), partition, &low, &high) ==
            RD_KAFKA_RESP_ERR_NO_ERROR &&
        high > offset)
      records += high - offset;
  }
  return static_cast<std::uint64_t>(records);
}

}  // namespace

constinit const Kind kKafkaSource{
    .type = "kafka-source",
    .section = "kafka",
    .doc = "the records of a topic of Apache Kafka",
    .settings = kSettings,
    .make_source = [](const Settings& settings, Host& host) -> std::unique_ptr<Source> {
      return std::make_unique<KafkaSource>(settings, host);
    }};

}  // namespace gameflow::connect
