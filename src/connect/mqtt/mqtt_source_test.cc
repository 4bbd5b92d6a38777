// Against a real mosquitto, which the tests start.
#include "connect/mqtt/mqtt_source.h"

#include <cstdio>
#include <fstream>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "connect/support/peer_test_util.h"
#include "connect/support/settings_test_util.h"

namespace gameflow::connect {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;
using Values = std::initializer_list<std::pair<std::string, Settings::Value>>;

enum class Tls : std::uint8_t { kOff, kOn };

class Broker {
 public:
  explicit Broker(std::string more = "allow_anonymous true\n", Tls tls = Tls::kOff) {
    if (tls == Tls::kOn) {
      make_certificate();
      more += fmt::format("certfile {}\nkeyfile {}\n", file("cert.pem"), file("key.pem"));
    }
    std::ofstream(folder_.path("conf"))
        << fmt::format("listener {} 127.0.0.1\npersistence true\npersistence_location {}/\n", port_,
                       folder_.path(""))
        << more;
    start();
  }
  static bool is_installed() { return std::filesystem::exists("/usr/sbin/mosquitto"); }

  void start() {
    process_ = std::make_unique<PeerProcess>(
        Texts{"/usr/sbin/mosquitto", "-c", folder_.path("conf")}, folder_.path("log"), true);
    ASSERT_TRUE(wait_until([&] { return is_listening(port_); }));
  }
  void stop() { process_->end(SIGTERM); }
  PeerProcess& process() { return *process_; }
  int port() const { return port_; }
  std::string file(const std::string& name) const { return folder_.path(name); }
  std::string url() const { return fmt::format("mqtt://127.0.0.1:{}", port_); }

  void publish(const Texts& lines, const std::string& more = "-q 1") const {
    FILE* const pipe =
        ::popen(fmt::format("mosquitto_pub -h 127.0.0.1 -p {} -t game/eu/events {} -l", port_, more)
                    .c_str(),
                "w");
    for (const std::string& line : lines) std::fprintf(pipe, "%s\n", line.c_str());
    ASSERT_EQ(::pclose(pipe), 0);
  }

 private:
  void make_certificate() const {
    const std::string command = fmt::format(
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext "
        "subjectAltName=IP:127.0.0.1 -keyout {0} -out {1} 2>/dev/null && chmod 644 {0}",
        file("key.pem"), file("cert.pem"));
    ASSERT_EQ(std::system(command.c_str()), 0) << command;  // the broker has a user of its own
  }

  PeerFolder folder_;
  int port_ = free_port();
  std::unique_ptr<PeerProcess> process_;
};

class MqttSourceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!Broker::is_installed()) GTEST_SKIP() << "mosquitto is not installed: tools/setup.sh test";
  }
  void open(const Broker& broker, Values values = {}) {
    settings =
        settings_of(kMqttSource, {{"topics", Texts{"game/+/events"}}, {"client-id", "test"}});
    settings.set("url", broker.url());
    for (const auto& [key, value] : values) settings.set(key, value);
    reopen();
  }
  void reopen() {
    source.reset();
    source = kMqttSource.make_source(settings, host);
    source->open(stored);
  }
  // As a process that ends at once: nothing more is sent.
  void crash() { source.reset(); }

  // Polls once or more, until something came; stores it. Committing is another step.
  Texts take(std::size_t bytes_max = 1 << 20) {
    Texts values;
    const bool has_come = wait_until(
        [&] {
          Batch batch = source->poll(100ms, bytes_max);
          for (Record& record : batch.records) values.push_back(std::move(record.value));
          if (!batch.records.empty()) stored = polled = batch.position;
          return !values.empty();
        },
        30s);
    EXPECT_TRUE(has_come);
    return values;
  }
  void commit() { source->committed(polled); }
  Texts take_all(std::size_t count) {
    Texts all;
    while (all.size() < count) {
      const Texts some = take();
      if (some.empty()) break;
      all.insert(all.end(), some.begin(), some.end());
      commit();
    }
    return all;
  }
  void expect_nothing() {
    for (int i = 0; i < 5; ++i) EXPECT_EQ(source->poll(100ms, 1 << 20).records.size(), 0U);
  }
  std::string final_message(const std::function<void()>& what) {
    try {
      what();
    } catch (const Retry& retry) {
      return std::string("(retry) ") + retry.what();
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "(none)";
  }

  TestHost host;
  Settings settings;
  std::unique_ptr<Source> source;
  std::string stored, polled;
};

Texts numbers(int begin, int end) {
  Texts texts;
  for (int i = begin; i < end; ++i) texts.push_back(std::to_string(i));
  return texts;
}

TEST_F(MqttSourceTest, TakesMessagesAndThoseThatCameWhileItWasAway) {
  Broker broker;
  open(broker);
  broker.publish({R"({"a":1})", "2"});
  EXPECT_EQ(take_all(2), (Texts{R"({"a":1})", "2"}));
  source->close();
  broker.publish({"3"});
  broker.stop();
  broker.start();
  reopen();
  EXPECT_EQ(take_all(1), Texts{"3"});
  expect_nothing();
  EXPECT_EQ(host.told, Texts());
}

TEST_F(MqttSourceTest, WhatWasNotStoredComesAgainAndWhatWasDoesNot) {
  Broker broker;
  open(broker);
  broker.publish(numbers(0, 10));
  Texts first = take(4);  // bytes: not all of them
  crash();
  // They were stored, but not acknowledged.
  reopen();
  const Texts rest = take_all(10 - first.size());
  first.insert(first.end(), rest.begin(), rest.end());
  EXPECT_EQ(first, numbers(0, 10));
  // Now the storing failed: the position is that of before.
  const std::string before = stored;
  broker.publish(numbers(10, 15));
  take();
  crash();
  stored = before;
  reopen();
  EXPECT_EQ(take_all(5), numbers(10, 15));
}

TEST_F(MqttSourceTest, LosesAndRepeatsNothingOverCrashesAndRestarts) {
  // By default it drops what comes while 1,000 messages wait.
  const Broker broker("allow_anonymous true\nmax_queued_messages 0\n");
  open(broker);
  constexpr int kCount = 3'000;
  std::thread publisher([&] {
    for (int i = 0; i < kCount; i += 500) broker.publish(numbers(i, i + 500));
  });
  Texts all;
  int step = 0;
  while (all.size() < kCount) {
    const Texts some = take(50);
    if (some.empty()) break;
    all.insert(all.end(), some.begin(), some.end());
    // A crash comes before what was stored is acknowledged, or after.
    ++step;
    if (step % 7 != 0) commit();
    if (step % 7 == 0 || step % 5 == 0) {
      crash();
      reopen();
    }
  }
  publisher.join();
  EXPECT_EQ(all, numbers(0, kCount));
  expect_nothing();
}

TEST_F(MqttSourceTest, SpeaksTls) {
  const Broker broker("allow_anonymous true\nmax_inflight_messages 0\n", Tls::kOn);
  const std::string url = fmt::format("mqtts://127.0.0.1:{}", broker.port());
  const std::string refused = final_message([&] { open(broker, {{"url", url}}); });
  EXPECT_EQ(refused.find("no "), 0U) << refused;
  EXPECT_NE(refused.find("certificate verify failed"), std::string::npos) << refused;
  EXPECT_NE(refused.find("'ca-file' names whom to trust"), std::string::npos) << refused;
  open(broker, {{"url", url}, {"ca-file", broker.file("cert.pem")}});
  broker.publish(numbers(0, 300), "-q 1 --cafile " + broker.file("cert.pem"));
  EXPECT_EQ(take_all(300), numbers(0, 300));
}

TEST_F(MqttSourceTest, SaysThatTheBrokerHasForgotten) {
  Broker broker;
  open(broker);
  broker.publish({"1"});
  take();
  broker.process().end(SIGKILL);
  EXPECT_THROW(for (int i = 0; i < 100; ++i) source->poll(100ms, 1), Retry);
  EXPECT_EQ(final_message([&] { reopen(); }).find("(retry) no connection to 127.0.0.1"), 0U);
  broker.start();
  reopen();
  ASSERT_EQ(host.told.size(), 1U);
  EXPECT_NE(host.told[0].find("forgotten the session"), std::string::npos);
  broker.publish({"2"});
  EXPECT_EQ(take(), Texts{"2"});
}

TEST_F(MqttSourceTest, MakesRecordsWithTheirTopic) {
  Broker broker;
  open(broker,
       {{"output", "record"}, {"key", "topic"}, {"protocol", "3.1.1"}, {"qos", std::int64_t{0}}});
  source->poll(200ms, 1);
  broker.publish({R"({"a":1})"}, "-q 0");
  EXPECT_EQ(take(), Texts{R"({"mqtt_topic":"game/eu/events","payload":{"a":1}})"});
  broker.publish({"no json"}, "-q 0");
  EXPECT_EQ(take(), Texts{R"({"mqtt_topic":"game/eu/events","payload":"no json"})"});
}

TEST_F(MqttSourceTest, TakesARetainedMessageOnce) {
  Broker broker;
  broker.publish({"kept"}, "-q 1 -r");
  open(broker);
  EXPECT_EQ(take_all(1), Texts{"kept"});
  source->close();
  reopen();
  expect_nothing();
}

TEST_F(MqttSourceTest, KeepsTheSessionAliveWhereNothingComes) {
  Broker broker;
  // A broker waits for 1.5 times that, so that a busy machine has some seconds.
  open(broker, {{"keepalive", std::int64_t{8'000}}});
  const auto end = std::chrono::steady_clock::now() + 13s;
  while (std::chrono::steady_clock::now() < end) source->poll(500ms, 1);
  broker.publish({"1"});
  EXPECT_EQ(take(), Texts{"1"});
}

TEST_F(MqttSourceTest, SaysWhatAPersonHasToChange) {
  Broker broker("allow_anonymous false\n");
  EXPECT_EQ(final_message([&] { open(broker); }),
            fmt::format("127.0.0.1:{} refuses the session: Not authorized", broker.port()));
  EXPECT_EQ(final_message([&] {
              open(broker, {{"protocol", "3.1.1"}});
            }),
            fmt::format("127.0.0.1:{} refuses the session: Connection Refused: not authorised.",
                        broker.port()));
  EXPECT_EQ(final_message([&] {
              open(broker, {{"topics", Texts{"a/#/b"}}});
            }),
            "topics: 'a/#/b' is no topic filter of MQTT: as game/+/events or game/#");
  for (const auto* url : {"http://a", "mqtt://", "mqtt://a:b", "mqtt://u:SECRET@host"}) {
    const std::string message = final_message([&] { open(broker, {{"url", url}}); });
    EXPECT_EQ(message.find("url: "), 0U) << message;
    EXPECT_EQ(message.find("SECRET"), std::string::npos) << message;
  }
}

TEST_F(MqttSourceTest, ABrokerThatHangsIsTriedAgain) {
  Broker broker;
  broker.process().signal(SIGSTOP);
  host.stopping = true;  // else it would wait for long
  EXPECT_EQ(final_message([&] { open(broker); }), "(retry) stopped while connecting");
  broker.process().signal(SIGCONT);
}

}  // namespace
}  // namespace gameflow::connect
