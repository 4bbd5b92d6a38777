#include "kafka.h"

#include <array>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <fmt/format.h>

#include "connect/kafka/kafka_client.h"
#include "program.h"
#include "report.h"

namespace gameflow::bench {
namespace {

using connect::KafkaClient;
using connect::KafkaFree;

constexpr int kPatienceMs = 60'000;

// As the system tests do; but for measurements Java compiles as well as it can.
constexpr std::string_view kScript = "tests/system/kafka_broker.sh";
constexpr std::string_view kJavaOptions = "KAFKA_JAVA_OPTS=-XX:+UseSerialGC -Xshare:auto";

class Quiet final : public connect::Host {
 public:
  bool is_stopping() const override { return false; }
  void tell(const std::string&) override {}
};

void check(rd_kafka_resp_err_t code, std::string_view what) {
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    throw std::runtime_error(fmt::format("Kafka: {}: {}", what, rd_kafka_err2str(code)));
}

void make_topic(rd_kafka_t* client, const std::string& topic, std::int32_t partitions) {
  const std::unique_ptr<rd_kafka_NewTopic_t, KafkaFree<rd_kafka_NewTopic_destroy>> wanted(
      rd_kafka_NewTopic_new(topic.c_str(), partitions, 1, nullptr, 0));
  const connect::KafkaQueue queue(rd_kafka_queue_new(client));
  std::array<rd_kafka_NewTopic_t*, 1> all{wanted.get()};
  rd_kafka_CreateTopics(client, all.data(), all.size(), nullptr, queue.get());
  const std::unique_ptr<rd_kafka_event_t, KafkaFree<rd_kafka_event_destroy>> event(
      rd_kafka_queue_poll(queue.get(), kPatienceMs));
  if (!event) throw std::runtime_error("Kafka: no answer");
  check(rd_kafka_event_error(event.get()), "no topic was made");
}

void send(KafkaClient& client, rd_kafka_topic_t* topic, const record::RecordView& record) {
  while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY,
                          const_cast<char*>(record.value.data()), record.value.size(),
                          record.key->data(), record.key->size(), nullptr) != 0) {
    const auto code = rd_kafka_last_error();
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) check(code, "a record cannot be sent");
    client.serve(std::chrono::milliseconds(100));
  }
}

std::string script() {
  return source_path(kScript);
}

std::uint16_t free_port() {
  boost::asio::io_context io;
  const boost::asio::ip::tcp::acceptor probe(io, {boost::asio::ip::address_v4::loopback(), 0});
  return probe.local_endpoint().port();
}

}  // namespace

KafkaBroker::KafkaBroker() : port_(free_port()) {
  try {
    Program({"java", "--version"}, folder_.path / "log").wait();
    Program({script(), "install"}, folder_.path / "log").wait();
  } catch (const std::exception& error) {
    throw CannotRun(
        fmt::format("no Java, or no Kafka; 'tools/setup.sh test' installs Java and "
                    "Maven, which fetches Kafka ({})",
                    error.what()));
  }
  Program({"env", std::string(kJavaOptions), script(), "start", folder_.path / "kafka",
           std::to_string(port_)},
          folder_.path / "log")
      .wait();
}

KafkaBroker::~KafkaBroker() {
  try {
    Program({script(), "kill", folder_.path / "kafka"}, folder_.path / "log").wait();
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): it is gone already
  }
}

std::string KafkaBroker::url() const {
  return fmt::format("127.0.0.1:{}", port_);
}

void KafkaBroker::fill(const std::string& topic, std::int32_t partitions, const Events& events,
                       std::size_t count) const {
  Quiet host;
  KafkaClient client(RD_KAFKA_PRODUCER, {{"bootstrap.servers", url()}, {"linger.ms", "20"}}, {},
                     host);
  make_topic(client.get(), topic, partitions);
  const std::unique_ptr<rd_kafka_topic_t, KafkaFree<rd_kafka_topic_destroy>> handle(
      rd_kafka_topic_new(client.get(), topic.c_str(), nullptr));
  std::size_t sent = 0;
  for (const auto& batch : events.batches) {
    for (std::size_t i = 0; i < batch->size() && sent < count; ++i, ++sent)
      send(client, handle.get(), (*batch)[i]);
  }
  check(rd_kafka_flush(client.get(), kPatienceMs), "not all was stored");
  const std::string undelivered = client.take_undelivered();
  if (!undelivered.empty()) throw std::runtime_error("Kafka: not stored: " + undelivered);
}

std::size_t KafkaBroker::read(const std::string& topic, std::int32_t partitions,
                              std::size_t count) const {
  Quiet host;
  const KafkaClient client(
      RD_KAFKA_CONSUMER,
      {{"bootstrap.servers", url()}, {"group.id", "bench"}, {"enable.auto.commit", "false"}}, {},
      host);
  const connect::KafkaPartitions list(rd_kafka_topic_partition_list_new(partitions));
  for (std::int32_t partition = 0; partition < partitions; ++partition)
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset = 0;
  check(rd_kafka_assign(client.get(), list.get()), "partitions cannot be read");
  const connect::KafkaQueue queue(rd_kafka_queue_get_consumer(client.get()));
  std::size_t bytes = 0;
  std::vector<rd_kafka_message_t*> messages(1'000);
  for (std::size_t records = 0; records < count;) {
    const ssize_t came =
        rd_kafka_consume_batch_queue(queue.get(), kPatienceMs, messages.data(), messages.size());
    if (came <= 0) throw std::runtime_error("Kafka: no more records come");
    for (ssize_t i = 0; i < came; ++i) {
      const connect::KafkaMessage message(messages[static_cast<std::size_t>(i)]);
      check(message->err, topic);
      bytes += message->len;
    }
    records += static_cast<std::size_t>(came);
  }
  return bytes;
}

}  // namespace gameflow::bench
