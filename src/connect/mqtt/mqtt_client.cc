#include "connect/mqtt/mqtt_client.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <fmt/format.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <openssl/ssl.h>
#include <poll.h>

#include "connect/support/slice.h"

namespace gameflow::connect {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kConnectTimeout = 20s;
// No larger messages, in bytes.
constexpr std::uint32_t kPacketMax = (4U << 20) + 65'536;
// Messages that may be under way unacknowledged. Brokers have bounds of their own, too: Mosquitto's
// default is 20; and after a reconnection it may send more than either.
constexpr int kReceiveMax = 1'000;

void start_library() {
  static const int started = mosquitto_lib_init();
  if (started != MOSQ_ERR_SUCCESS) throw std::runtime_error("libmosquitto does not start");
}

}  // namespace

// What libmosquitto calls, from within read() only.
struct MqttClient::Callbacks {
  static void connected(mosquitto*, void* self, int code, int flags, const mosquitto_property*) {
    auto& client = *static_cast<MqttClient*>(self);
    client.connect_code_ = code;
    client.has_old_session_ = (flags & 1) != 0;
    if (code != 0) return;
    // At once: what is read from now on queues acknowledgements, and all that is queued is sent.
    for (const std::string& topic : client.options_.topics)
      mosquitto_subscribe_v5(client.client_.get(), nullptr, topic.c_str(), client.options_.qos,
                             client.options_.is_v5 ? MQTT_SUB_OPT_SEND_RETAIN_NEW : 0, nullptr);
    mosquitto_loop_write(client.client_.get(), 1);
  }

  static void subscribed(mosquitto*, void* self, int, int count, const int* granted) {
    auto& client = *static_cast<MqttClient*>(self);
    ++client.subscribed_;
    for (int i = 0; i < count; ++i)
      if (granted[i] >= 128) client.refused_topic_ = "the broker refuses the subscription";
  }

  static void message(mosquitto*, void* self, const mosquitto_message* message) {
    static_cast<MqttClient*>(self)->messages_.push_back(
        {.topic = message->topic,
         .payload = std::string(static_cast<const char*>(message->payload),
                                static_cast<std::size_t>(message->payloadlen)),
         .id = static_cast<std::uint16_t>(message->qos > 0 ? message->mid : 0)});
  }

  static void log(mosquitto*, void* self, int level, const char* text) {
    if (level == MOSQ_LOG_ERR) static_cast<MqttClient*>(self)->last_error_ = text;
  }
};

void MqttClient::Free::operator()(mosquitto* client) const {
  mosquitto_destroy(client);
}

MqttClient::MqttClient(const MqttOptions& options, Host& host) : options_(options), host_(host) {
  start_library();
  for (const std::string& topic : options_.topics)
    if (mosquitto_sub_topic_check(topic.c_str()) != MOSQ_ERR_SUCCESS)
      throw std::runtime_error(fmt::format(
          "topics: '{}' is no topic filter of MQTT: as game/+/events or game/#", topic));
  client_.reset(mosquitto_new(options_.client_id.c_str(), false, this));
  if (!client_) throw std::runtime_error(fmt::format("libmosquitto: {}", std::strerror(errno)));
  set_up();
}

MqttClient::~MqttClient() = default;

void MqttClient::check(int code, const char* what) {
  if (code == MOSQ_ERR_SUCCESS) return;
  std::string reason = code == MOSQ_ERR_ERRNO ? std::strerror(errno) : mosquitto_strerror(code);
  const bool is_untrusted = last_error_.find("certificate verify failed") != std::string::npos;
  // libmosquitto 2.0.21 calls it an error of the protocol.
  if (code == MOSQ_ERR_TLS || is_untrusted) reason = last_error_;
  const std::string message =
      fmt::format("{} {}:{}: {}", what, options_.host, options_.port, reason);
  if (is_untrusted) throw std::runtime_error(message + "; 'ca-file' names whom to trust");
  throw Retry(message);
}

void MqttClient::set_up() {
  mosquitto* const client = client_.get();
  mosquitto_threaded_set(client, true);
  mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION,
                       options_.is_v5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
  if (options_.is_v5) mosquitto_int_option(client, MOSQ_OPT_RECEIVE_MAXIMUM, kReceiveMax);
  mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
  mosquitto_connect_v5_callback_set(client, Callbacks::connected);
  mosquitto_subscribe_callback_set(client, Callbacks::subscribed);
  mosquitto_message_callback_set(client, Callbacks::message);
  mosquitto_log_callback_set(client, Callbacks::log);
  if (!options_.user.empty() || !options_.password.empty())
    mosquitto_username_pw_set(client, options_.user.c_str(), options_.password.c_str());
  if (!options_.has_tls) return;
  const int code =
      options_.ca_file.empty()
          ? mosquitto_int_option(client, MOSQ_OPT_TLS_USE_OS_CERTS, 1)
          : mosquitto_tls_set(client, options_.ca_file.c_str(), nullptr, nullptr, nullptr, nullptr);
  if (code != MOSQ_ERR_SUCCESS)
    throw std::runtime_error(fmt::format("ca-file: '{}' cannot be used: {}", options_.ca_file,
                                         mosquitto_strerror(code)));
}

void MqttClient::start() {
  mosquitto_property* properties = nullptr;
  if (options_.is_v5) {
    mosquitto_property_add_int32(&properties, MQTT_PROP_SESSION_EXPIRY_INTERVAL,
                                 static_cast<std::uint32_t>(options_.session_expiry.count()));
    mosquitto_property_add_int32(&properties, MQTT_PROP_MAXIMUM_PACKET_SIZE, kPacketMax);
  }
  const int code =
      mosquitto_connect_bind_v5(client_.get(), options_.host.c_str(), options_.port,
                                static_cast<int>(options_.keepalive.count()), nullptr, properties);
  mosquitto_property_free_all(&properties);
  check(code, "no connection to");
}

void MqttClient::connect() {
  start();
  const auto deadline = steady_clock::now() + kConnectTimeout;
  while (subscribed_ < options_.topics.size()) {
    // Later it would also send acknowledgements.
    if (connect_code_ < 0 && mosquitto_want_write(client_.get()))
      check(mosquitto_loop_write(client_.get(), 1), "no session with");
    read(kSlice);
    if (host_.is_stopping()) throw Retry("stopped while connecting");
    if (steady_clock::now() > deadline)
      throw Retry(fmt::format("{}:{} does not answer as a broker", options_.host, options_.port));
  }
}

void MqttClient::refuse_connection(int code) const {
  const std::string message =
      fmt::format("{}:{} refuses the session: {}", options_.host, options_.port,
                  options_.is_v5 ? mosquitto_reason_string(code) : mosquitto_connack_string(code));
  for (const int passing : {int{MQTT_RC_SERVER_UNAVAILABLE}, int{MQTT_RC_SERVER_BUSY},
                            int{MQTT_RC_CONNECTION_RATE_EXCEEDED}, int{MQTT_RC_QUOTA_EXCEEDED},
                            int{CONNACK_REFUSED_SERVER_UNAVAILABLE}})
    if (code == passing) throw Retry(message);
  throw std::runtime_error(message);
}

bool MqttClient::wait_for(short events, milliseconds wait) const {
  pollfd one{.fd = mosquitto_socket(client_.get()), .events = events, .revents = 0};
  return one.fd < 0 || ::poll(&one, 1, static_cast<int>(wait.count())) > 0;
}

bool MqttClient::read(milliseconds wait) {
  // Of messages that came in one record of TLS the later ones are not seen at the socket.
  const auto* const tls = static_cast<const SSL*>(mosquitto_ssl_get(client_.get()));
  const bool has_decrypted = tls != nullptr && SSL_pending(tls) > 0;
  if (!has_decrypted && !wait_for(POLLIN, wait)) return false;
  const int code = mosquitto_loop_read(client_.get(), 1);
  if (!refused_topic_.empty()) throw std::runtime_error("topics: " + refused_topic_);
  // A broker of MQTT 3 ends the connection where it refuses it.
  if (connect_code_ > 0) refuse_connection(connect_code_);
  check(code, connect_code_ < 0 ? "no session with" : "the connection is lost to");
  return true;
}

void MqttClient::acknowledge() {
  check(mosquitto_loop_misc(client_.get()), "the connection is lost to");
  while (mosquitto_want_write(client_.get())) {
    check(mosquitto_loop_write(client_.get(), 1), "the connection is lost to");
    if (mosquitto_want_write(client_.get()) && !wait_for(POLLOUT, kSlice) && host_.is_stopping())
      throw Retry("stopped before the broker took what was acknowledged");
  }
}

void MqttClient::disconnect() noexcept {
  if (mosquitto_disconnect(client_.get()) == MOSQ_ERR_SUCCESS)
    mosquitto_loop_write(client_.get(), 1);
}

}  // namespace gameflow::connect
