// What source and sink share of librdkafka: handles that free themselves, configuration, errors.
//
// Errors   Retry where the brokers are away or busy; std::runtime_error where a person has to
// change
//          something: a wrong option, an unknown topic, a login or a certificate that is refused.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <librdkafka/rdkafka.h>

#include <gameflow/connect/connector.h>

namespace gameflow::connect {

template <auto kFree>
struct KafkaFree {
  template <class T>
  void operator()(T* pointer) const {
    kFree(pointer);
  }
};
using KafkaMessage = std::unique_ptr<rd_kafka_message_t, KafkaFree<rd_kafka_message_destroy>>;
using KafkaPartitions = std::unique_ptr<rd_kafka_topic_partition_list_t,
                                        KafkaFree<rd_kafka_topic_partition_list_destroy>>;
using KafkaError = std::unique_ptr<rd_kafka_error_t, KafkaFree<rd_kafka_error_destroy>>;
using KafkaQueue = std::unique_ptr<rd_kafka_queue_t, KafkaFree<rd_kafka_queue_destroy>>;
using KafkaOptions = std::vector<std::pair<std::string, std::string>>;

// A producer or consumer.
class KafkaClient {
 public:
  // `own` is what the kind needs; `options` are those of the file, which may not change these.
  KafkaClient(rd_kafka_type_t type, const KafkaOptions& own, const KafkaOptions& options,
              Host& host);
  ~KafkaClient();
  KafkaClient(const KafkaClient&) = delete;
  KafkaClient& operator=(const KafkaClient&) = delete;

  rd_kafka_t* get() const { return client_; }
  // Lets it call back; throws what it has told of since the last time.
  void serve(std::chrono::milliseconds wait);
  // Partitions 0 to this of the topic.
  std::int32_t count_partitions(const std::string& topic, std::chrono::milliseconds wait);
  // The largest record that the topic takes, in bytes; 0 if nobody may ask.
  std::size_t record_max(const std::string& topic, std::chrono::milliseconds wait);
  [[noreturn]] void fail(rd_kafka_resp_err_t code, const std::string& what);
  // Records of a producer that were not delivered since the last look: the reason of the first.
  std::string take_undelivered() { return std::exchange(undelivered_, {}); }

 private:
  static void on_error(rd_kafka_t*, int code, const char* reason, void* self);
  static void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* self);

  Host& host_;
  rd_kafka_t* client_ = nullptr;
  rd_kafka_resp_err_t told_ = RD_KAFKA_RESP_ERR_NO_ERROR;
  std::string told_reason_, undelivered_;
};

// How long brokers may take to answer a question.
constexpr std::chrono::milliseconds kKafkaAnswerMax{10'000};

// Rows of the settings that both have.
constexpr Setting kKafkaUrl{.key = "url",
                            .is_required = true,
                            .doc = "brokers to begin with, `HOST:PORT` with commas between them",
                            .example = "kafka-1:9092,kafka-2:9092"};
constexpr Setting kafka_topic_setting(std::string_view example) {
  return {.key = "topic", .is_required = true, .doc = "the topic in Kafka", .example = example};
}
constexpr Setting kafka_options_setting(std::string_view example) {
  return {.key = "options",
          .kind = SettingKind::kMap,
          .doc = "more settings of librdkafka, such as those of security",
          .example = example};
}
// The value of the last one.
KafkaOptions kafka_options(const Settings& settings);

}  // namespace gameflow::connect
