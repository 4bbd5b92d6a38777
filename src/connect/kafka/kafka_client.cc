#include "connect/kafka/kafka_client.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

namespace gameflow::connect {
namespace {

// Conditions that no waiting mends.
bool is_final(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
      return true;
    default:
      return false;
  }
}

void set(rd_kafka_conf_t* conf, const std::string& name, const std::string& value,
         std::string_view where) {
  std::array<char, 512> problem{};
  if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), problem.data(), problem.size()) !=
      RD_KAFKA_CONF_OK)
    throw std::runtime_error(fmt::format("{}: {}", where, problem.data()));
}

}  // namespace

KafkaClient::KafkaClient(rd_kafka_type_t type, const KafkaOptions& own, const KafkaOptions& options,
                         Host& host)
    : host_(host) {
  std::unique_ptr<rd_kafka_conf_t, KafkaFree<rd_kafka_conf_destroy>> conf(rd_kafka_conf_new());
  for (const auto& [name, value] : own) set(conf.get(), name, value, "kafka");
  for (const auto& option : options) {
    if (std::any_of(own.begin(), own.end(),
                    [&](const auto& one) { return one.first == option.first; }))
      throw std::runtime_error(
          fmt::format("options: '{}' is set by the connector itself: remove it", option.first));
    set(conf.get(), option.first, option.second, "options");
  }
  rd_kafka_conf_set_opaque(conf.get(), this);
  rd_kafka_conf_set_error_cb(conf.get(), on_error);
  rd_kafka_conf_set_log_cb(conf.get(), [](const rd_kafka_t*, int, const char*, const char*) {});
  if (type == RD_KAFKA_PRODUCER) rd_kafka_conf_set_dr_msg_cb(conf.get(), on_delivery);
  std::array<char, 512> problem{};
  client_ = rd_kafka_new(type, conf.get(), problem.data(), problem.size());
  if (client_ == nullptr) throw std::runtime_error(fmt::format("options: {}", problem.data()));
  (void)conf.release();  // it is the client's now
}

KafkaClient::~KafkaClient() {
  if (client_ == nullptr) return;
  if (rd_kafka_type(client_) == RD_KAFKA_PRODUCER) {
    // What was not committed does not count: nobody waits for it.
    rd_kafka_purge(client_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(client_, 100);
  }
  rd_kafka_destroy_flags(client_, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

void KafkaClient::on_error(rd_kafka_t* client, int code, const char* reason, void* self) {
  auto& me = *static_cast<KafkaClient*>(self);
  const auto error = static_cast<rd_kafka_resp_err_t>(code);
  // The first one that is final says most.
  if (is_final(me.told_)) return;
  std::array<char, 512> fatal{};
  const bool is_fatal = error == RD_KAFKA_RESP_ERR__FATAL;
  me.told_ = is_fatal ? rd_kafka_fatal_error(client, fatal.data(), fatal.size()) : error;
  me.told_reason_ = is_fatal ? fatal.data() : reason;
}

void KafkaClient::on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* self) {
  auto& me = *static_cast<KafkaClient*>(self);
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR && me.undelivered_.empty())
    me.undelivered_ = rd_kafka_err2str(message->err);
}

void KafkaClient::fail(rd_kafka_resp_err_t code, const std::string& what) {
  rd_kafka_poll(client_, 0);
  // What it was told says more than a time-out.
  const bool is_told = told_ != RD_KAFKA_RESP_ERR_NO_ERROR;
  const std::string message =
      fmt::format("{}: {}", what, is_told ? told_reason_ : rd_kafka_err2str(code));
  if (is_final(code) || is_final(told_)) throw std::runtime_error(message);
  throw Retry(message);
}

void KafkaClient::serve(std::chrono::milliseconds wait) {
  rd_kafka_poll(client_, static_cast<int>(wait.count()));
  if (is_final(told_)) throw std::runtime_error("Kafka: " + told_reason_);
  // A single broker that is away is not: others may do, and it is connected to again.
  if (told_ == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) throw Retry("Kafka: " + told_reason_);
}

std::int32_t KafkaClient::count_partitions(const std::string& topic,
                                           std::chrono::milliseconds wait) {
  const std::unique_ptr<rd_kafka_topic_t, KafkaFree<rd_kafka_topic_destroy>> handle(
      rd_kafka_topic_new(client_, topic.c_str(), nullptr));
  const struct rd_kafka_metadata* raw = nullptr;
  const auto code =
      rd_kafka_metadata(client_, 0, handle.get(), &raw, static_cast<int>(wait.count()));
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) fail(code, "no answer from Kafka");
  const std::unique_ptr<const struct rd_kafka_metadata, KafkaFree<rd_kafka_metadata_destroy>>
      metadata(raw);
  const rd_kafka_metadata_topic_t& found = metadata->topics[0];
  if (found.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
    throw std::runtime_error(fmt::format("topic: Kafka has none that is called '{}'", topic));
  if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR) fail(found.err, fmt::format("topic '{}'", topic));
  return found.partition_cnt;
}

std::size_t KafkaClient::record_max(const std::string& topic, std::chrono::milliseconds wait) {
  const KafkaQueue queue(rd_kafka_queue_new(client_));
  rd_kafka_ConfigResource_t* const asked =
      rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str());
  std::array<rd_kafka_ConfigResource_t*, 1> all{asked};
  rd_kafka_DescribeConfigs(client_, all.data(), all.size(), nullptr, queue.get());
  rd_kafka_ConfigResource_destroy(asked);
  const std::unique_ptr<rd_kafka_event_t, KafkaFree<rd_kafka_event_destroy>> event(
      rd_kafka_queue_poll(queue.get(), static_cast<int>(wait.count())));
  const rd_kafka_DescribeConfigs_result_t* const result =
      event ? rd_kafka_event_DescribeConfigs_result(event.get()) : nullptr;
  if (result == nullptr) return 0;
  std::size_t count = 0, entries = 0;
  const auto resources = rd_kafka_DescribeConfigs_result_resources(result, &count);
  if (count == 0) return 0;
  const auto configs = rd_kafka_ConfigResource_configs(resources[0], &entries);
  for (std::size_t i = 0; i < entries; ++i) {
    if (std::string_view(rd_kafka_ConfigEntry_name(configs[i])) != "max.message.bytes") continue;
    const char* const value = rd_kafka_ConfigEntry_value(configs[i]);
    std::size_t bytes = 0;
    const std::string_view text = value != nullptr ? value : "";
    std::from_chars(text.data(), text.data() + text.size(), bytes);
    return bytes;
  }
  return 0;
}

KafkaOptions kafka_options(const Settings& settings) {
  const Settings::Map& options = settings.map("options");
  return {options.begin(), options.end()};
}

}  // namespace gameflow::connect
