// A session with an MQTT broker that acknowledges messages when it is told to: the one place for
// libmosquitto.
//
// How      libmosquitto acknowledges a message as it hands it over. But for programs that have
//          threads of their own it only queues what it sends, until mosquitto_loop_write(): so this
//          class says that it has some, and writes when acknowledge() is called.
// Threads  one at a time.
// Errors   Retry where the broker is away, busy or ends the session; std::runtime_error where a
//          person has to change something.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <gameflow/connect/connector.h>

struct mosquitto;

namespace gameflow::connect {

struct MqttMessage {
  std::string topic, payload;
  // 1 to 65535, and the same when it comes again; 0 of a message that is never acknowledged.
  std::uint16_t id = 0;
};

struct MqttOptions {
  std::string host;
  int port = 0;
  bool has_tls = false;
  std::string ca_file, user, password, client_id;
  std::vector<std::string> topics;
  int qos = 1;
  bool is_v5 = true;
  std::chrono::seconds keepalive{}, session_expiry{};
};

class MqttClient {
 public:
  MqttClient(const MqttOptions& options, Host& host);
  ~MqttClient();

  // Returns once the broker has accepted the session and the subscriptions. What it repeats comes
  // before its answer to these: all of that is in messages() then.
  void connect();
  // Whether the broker knew the session, so that messages that were not acknowledged come again.
  bool has_old_session() const { return has_old_session_; }

  // Moves what has come into messages(), one or a few at a time, after at most `wait`. Sends
  // nothing: the broker ends a session that it has not heard of for 1.5 times keepalive.
  bool read(std::chrono::milliseconds wait);
  std::deque<MqttMessage>& messages() { return messages_; }
  const std::deque<MqttMessage>& messages() const { return messages_; }

  // All that read() has moved so far is done with. Also keeps the session alive: call it now and
  // then where there was nothing.
  void acknowledge();
  // Takes leave. Without it the broker sees a connection that broke.
  void disconnect() noexcept;

 private:
  struct Free {
    void operator()(mosquitto* client) const;
  };
  struct Callbacks;

  void check(int code, const char* what);
  void set_up();
  void start();
  bool wait_for(short events, std::chrono::milliseconds wait) const;
  [[noreturn]] void refuse_connection(int code) const;

  MqttOptions options_;
  Host& host_;
  std::unique_ptr<mosquitto, Free> client_;
  std::deque<MqttMessage> messages_;
  int connect_code_ = -1;       // until the broker has answered
  std::size_t subscribed_ = 0;  // how many of the topics it has answered
  bool has_old_session_ = false;
  std::string refused_topic_;
  std::string last_error_;  // as libmosquitto logs it
};

}  // namespace gameflow::connect
