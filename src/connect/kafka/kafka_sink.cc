// Records and the positions behind them are one transaction of Kafka: the positions are the
// metadata of an offset that the transaction commits for the group `transactional-id`, on partition
// 0 of the topic. Opening ends what a predecessor has left, and keeps it from writing on.
#include "connect/kafka/kafka_sink.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

#include "connect/kafka/kafka_client.h"
#include "connect/support/positions_json.h"
#include "connect/support/slice.h"

namespace gameflow::connect {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kTransactionMax = 60s;
// What a record has in a message beside key and value, and some.
constexpr std::size_t kOverhead = 512;
constexpr std::size_t kRecordMaxDefault = 1'000'000;

constexpr Setting kSettings[] = {
    kKafkaUrl,
    kafka_topic_setting("purchases"),
    {.key = "transactional-id",
     .is_required = true,
     .doc = "the name of this writer in Kafka, and of the group under which its positions are: "
            "nobody else may use it",
     .example = "gameflow-purchases"},
    kafka_options_setting("{ security.protocol: SSL, compression.codec: zstd }"),
};

int ms(milliseconds wait) {
  return static_cast<int>(wait.count());
}

class KafkaSink final : public Sink {
 public:
  KafkaSink(const Settings& settings, Host& host)
      : host_(host),
        url_(settings.text("url")),
        topic_(settings.text("topic")),
        id_(settings.text("transactional-id")),
        options_(kafka_options(settings)) {
    make_producer(kRecordMaxDefault);  // shows mistakes in `options`
    producer_.reset();
  }

  std::optional<Positions> open() override;
  std::vector<Refused> write(std::span<const Delivery> records) override;
  void commit(const Positions& next) override;
  void close() noexcept override { producer_.reset(); }

 private:
  void make_producer(std::size_t record_max);
  std::optional<Positions> read_positions();
  void begin();
  bool produce(const Delivery& record);
  void send_positions();
  void check(KafkaError error, const std::string& what);

  Host& host_;
  std::string url_, topic_, id_;
  KafkaOptions options_;
  std::size_t record_max_ = 0;
  std::unique_ptr<KafkaClient> producer_;
  bool has_begun_ = false;
  Positions stored_;
};

void KafkaSink::make_producer(std::size_t record_max) {
  record_max_ = record_max;
  producer_ = std::make_unique<KafkaClient>(
      RD_KAFKA_PRODUCER,
      KafkaOptions{
          {"bootstrap.servers", url_},
          {"client.id", "gameflow"},
          {"transactional.id", id_},
          {"transaction.timeout.ms", std::to_string(milliseconds(kTransactionMax).count())},
          {"enable.idempotence", "true"},
          {"message.max.bytes",
           std::to_string(std::clamp<std::size_t>(record_max, 1'000, 1'000'000'000))},
          {"queue.buffering.max.kbytes", "65536"},
          {"partitioner", "murmur2_random"}},  // as Java's clients do
      options_, host_);
}

std::optional<Positions> KafkaSink::open() {
  {
    KafkaClient asker(RD_KAFKA_PRODUCER, {{"bootstrap.servers", url_}}, options_, host_);
    asker.count_partitions(topic_, kKafkaAnswerMax);
    const std::size_t record_max = asker.record_max(topic_, kKafkaAnswerMax);
    make_producer(record_max > 0 ? record_max : kRecordMaxDefault);
  }
  check(KafkaError(rd_kafka_init_transactions(producer_->get(), ms(kTransactionMax))),
        "no transactions with Kafka");
  auto positions = read_positions();
  stored_ = positions.value_or(Positions());
  return positions;
}

std::optional<Positions> KafkaSink::read_positions() {
  KafkaClient consumer(
      RD_KAFKA_CONSUMER,
      {{"bootstrap.servers", url_}, {"group.id", id_}, {"isolation.level", "read_committed"}},
      options_, host_);
  const KafkaPartitions list(rd_kafka_topic_partition_list_new(1));
  const rd_kafka_topic_partition_t* const place =
      rd_kafka_topic_partition_list_add(list.get(), topic_.c_str(), 0);
  const auto code = rd_kafka_committed(consumer.get(), list.get(), ms(kTransactionMax));
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) consumer.fail(code, "positions in Kafka");
  if (place->err != RD_KAFKA_RESP_ERR_NO_ERROR) consumer.fail(place->err, "positions in Kafka");
  if (place->offset < 0 || place->metadata == nullptr) return std::nullopt;
  auto positions =
      positions_from_json({static_cast<const char*>(place->metadata), place->metadata_size});
  if (!positions)
    throw std::runtime_error(
        fmt::format("transactional-id: the group '{}' has offsets of somebody else", id_));
  return positions;
}

// After an error of a transaction the next attempt begins with a new producer.
void KafkaSink::check(KafkaError error, const std::string& what) {
  if (!error) return;
  const rd_kafka_resp_err_t code = rd_kafka_error_code(error.get());
  const std::string message = fmt::format("{}: {}", what, rd_kafka_error_string(error.get()));
  if (code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
      code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH)
    throw std::runtime_error(
        fmt::format("{}; another connector has the transactional-id '{}'", message, id_));
  if (const std::string reason = producer_->take_undelivered(); !reason.empty())
    throw Retry(fmt::format("{}: {}", what, reason));
  producer_->fail(code, message);
}

void KafkaSink::begin() {
  if (has_begun_) return;
  check(KafkaError(rd_kafka_begin_transaction(producer_->get())), "a transaction");
  has_begun_ = true;
}

std::vector<Refused> KafkaSink::write(std::span<const Delivery> records) {
  std::vector<Refused> refused;
  begin();
  for (std::size_t i = 0; i < records.size(); ++i)
    if (!produce(records[i]))
      refused.push_back({i, fmt::format("it has {} bytes, the topic '{}' of Kafka takes {}",
                                        records[i].value.size(), topic_, record_max_)});
  producer_->serve(0ms);
  return refused;
}

// Whether the topic takes a record of this size.
bool KafkaSink::produce(const Delivery& record) {
  const std::string_view key = record.key.value_or("");
  if (record.value.size() + key.size() + kOverhead > record_max_) return false;
  std::array<rd_kafka_vu_t, 5> parts{};
  parts[0].vtype = RD_KAFKA_VTYPE_TOPIC;
  parts[0].u.cstr = topic_.c_str();
  parts[1].vtype = RD_KAFKA_VTYPE_VALUE;
  parts[1].u.mem = {const_cast<char*>(record.value.data()), record.value.size()};
  parts[2].vtype = RD_KAFKA_VTYPE_KEY;
  parts[2].u.mem = {record.key ? const_cast<char*>(key.data()) : nullptr, key.size()};
  parts[3].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
  parts[3].u.i64 = record.timestamp_ms;
  parts[4].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  parts[4].u.i = RD_KAFKA_MSG_F_COPY;
  const auto deadline = steady_clock::now() + kTransactionMax;
  while (true) {
    const KafkaError error(rd_kafka_produceva(producer_->get(), parts.data(), parts.size()));
    const rd_kafka_resp_err_t code =
        error ? rd_kafka_error_code(error.get()) : RD_KAFKA_RESP_ERR_NO_ERROR;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return true;
    if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) return false;
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) producer_->fail(code, "a record for Kafka");
    producer_->serve(kSlice);
    if (host_.is_stopping()) throw Retry("stopped while Kafka took nothing");
    if (steady_clock::now() > deadline) throw Retry("Kafka takes nothing");
  }
}

void KafkaSink::send_positions() {
  const std::string text = to_json(stored_);
  if (text.size() > 4'096)
    throw std::runtime_error(
        "topics: these have more partitions than Kafka keeps positions of (about 130): use several "
        "connectors");
  const KafkaPartitions list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_t* const place =
      rd_kafka_topic_partition_list_add(list.get(), topic_.c_str(), 0);
  place->offset = 0;
  for (const auto& [from, offset] : stored_) place->offset += static_cast<std::int64_t>(offset);
  place->metadata = ::strdup(text.c_str());
  place->metadata_size = text.size();
  const std::unique_ptr<rd_kafka_consumer_group_metadata_t,
                        KafkaFree<rd_kafka_consumer_group_metadata_destroy>>
      group(rd_kafka_consumer_group_metadata_new(id_.c_str()));
  check(KafkaError(rd_kafka_send_offsets_to_transaction(producer_->get(), list.get(), group.get(),
                                                        ms(kTransactionMax))),
        "positions in Kafka");
}

void KafkaSink::commit(const Positions& next) {
  begin();
  for (const auto& [place, offset] : next) stored_[place] = offset;
  send_positions();
  const auto deadline = steady_clock::now() + kTransactionMax;
  while (true) {
    KafkaError error(rd_kafka_commit_transaction(producer_->get(), ms(2s)));
    if (!error) break;
    const bool is_slow = rd_kafka_error_is_retriable(error.get()) != 0;
    if (!is_slow || steady_clock::now() > deadline) check(std::move(error), "a commit in Kafka");
    producer_->serve(0ms);
    if (host_.is_stopping()) throw Retry("stopped while Kafka was committing");
  }
  has_begun_ = false;
}

}  // namespace

constinit const Kind kKafkaSink{
    .type = "kafka-sink",
    .section = "kafka",
    .doc = "records into a topic of Apache Kafka, each exactly once",
    .settings = kSettings,
    .make_sink = [](const Settings& settings, Host& host) -> std::unique_ptr<Sink> {
      return std::make_unique<KafkaSink>(settings, host);
    },
    .takes_bytes = true};

}  // namespace gameflow::connect
