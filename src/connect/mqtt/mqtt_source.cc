// Messages are acknowledged once they are durable. A crash before the broker has noted that makes
// it send them again; so the position is the list of the last ones that were handed over, `ID:HASH`
// of each, and what comes again of these is not taken. The broker repeats all that it has no
// acknowledgement of first, in their order and under their ids.
#include "connect/mqtt/mqtt_source.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <thread>

#include <fmt/format.h>

#include "connect/mqtt/mqtt_client.h"
#include "connect/support/json_value.h"

namespace gameflow::connect {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

// Of acknowledgements that were sent nobody says that they came; but what is older than so many
// messages has been acknowledged for sure, as else the broker would not have sent the newer ones.
// Both together fit in a position.
constexpr std::size_t kUnacknowledgedMax = kMqttReceiveMax, kAcknowledgedMax = kMqttReceiveMax;
constexpr std::size_t kPayloadMax = 4U << 20;

constexpr std::string_view kOutputs[] = {"payload", "record"};
constexpr std::string_view kKeys[] = {"none", "topic"};
constexpr std::string_view kProtocols[] = {"5", "3.1.1"};

constexpr Setting kSettings[] = {
    {.key = "url",
     .is_required = true,
     .doc = "the broker: `mqtt://HOST:PORT`, with TLS `mqtts://HOST:PORT`",
     .example = "mqtt://127.0.0.1:1883"},
    {.key = "client-id",
     .is_required = true,
     .doc = "the name of the session that the broker keeps: nobody else may use it",
     .example = "gameflow-events"},
    {.key = "topics",
     .kind = SettingKind::kTexts,
     .is_required = true,
     .doc = "topic filters",
     .example = "[game/+/events]"},
    {.key = "qos",
     .kind = SettingKind::kNumber,
     .fallback = "1",
     .doc = "1, or 0 where losing messages does not matter",
     .min = 0,
     .max = 1},
    {.key = "output",
     .kind = SettingKind::kWord,
     .fallback = "payload",
     .doc = "the record: the `payload`, or a `record` `{\"mqtt_topic\":…,\"payload\":…}`, where a "
            "payload that is no JSON is a text",
     .words = kOutputs},
    {.key = "key",
     .kind = SettingKind::kWord,
     .fallback = "none",
     .doc = "`topic`: the topic of MQTT is the record's key",
     .words = kKeys},
    {.key = "user", .doc = "whom to log in as", .example = "gameflow"},
    {.key = "password", .doc = "and with what", .example = "${env:MQTT_PASSWORD}"},
    {.key = "ca-file", .doc = "certificates to trust with `mqtts`, instead of the system's"},
    {.key = "protocol",
     .kind = SettingKind::kWord,
     .fallback = "5",
     .doc = "the version of MQTT; with `3.1.1` retained messages come again at each start",
     .words = kProtocols},
    {.key = "session-expiry",
     .kind = SettingKind::kDuration,
     .fallback = "7d",
     .doc = "how long the broker keeps messages for a connector that is away; with MQTT 3 the "
            "broker decides",
     .min = 1'000,
     .max = std::int64_t{136} * 365 * 86'400'000},
    {.key = "keepalive",
     .kind = SettingKind::kDuration,
     .fallback = "30s",
     .doc = "how soon either side notices that the other is gone",
     .min = 5'000,
     .max = 65'000'000},
};

// What a message is known by: an id alone is used again.
struct Seen {
  std::uint16_t id = 0;
  std::uint32_t hash = 0;
  friend bool operator==(Seen, Seen) = default;
};

// FNV-1a.
std::uint32_t add_hash(std::uint32_t hash, std::string_view bytes) {
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

Seen seen_of(const MqttMessage& message) {
  return {message.id, add_hash(add_hash(2166136261U, message.topic), "\n" + message.payload)};
}

MqttOptions options_from(const Settings& settings) {
  MqttOptions options{
      .ca_file = settings.text("ca-file"),
      .user = settings.text("user"),
      .password = settings.text("password"),
      .client_id = settings.text("client-id"),
      .topics = settings.texts("topics"),
      .qos = static_cast<int>(settings.number("qos")),
      .is_v5 = settings.text("protocol") == "5",
      .keepalive = std::chrono::duration_cast<std::chrono::seconds>(settings.duration("keepalive")),
      .session_expiry =
          std::chrono::duration_cast<std::chrono::seconds>(settings.duration("session-expiry"))};
  std::string_view url = settings.text("url");
  options.has_tls = url.starts_with("mqtts://");
  if (!options.has_tls && !url.starts_with("mqtt://"))
    throw std::runtime_error("url: write mqtt://HOST:PORT or mqtts://HOST:PORT");
  url.remove_prefix(options.has_tls ? 8 : 7);
  if (url.ends_with('/')) url.remove_suffix(1);
  const std::size_t colon = url.rfind(':');
  options.port = options.has_tls ? 8883 : 1883;
  if (colon != std::string_view::npos) {
    const auto end = url.data() + url.size();
    const auto read = std::from_chars(url.data() + colon + 1, end, options.port);
    if (read.ec != std::errc() || read.ptr != end || options.port < 1 || options.port > 65535)
      throw std::runtime_error(
          "url: its port is none; user and password have settings of their own");
  }
  options.host = url.substr(0, colon);
  if (options.host.empty()) throw std::runtime_error("url: it names no host");
  if (options.topics.empty()) throw std::runtime_error("topics: name at least one");
  if (options.client_id.empty()) throw std::runtime_error("client-id: it may not be empty");
  return options;
}

class MqttSource final : public Source {
 public:
  MqttSource(const Settings& settings, Host& host)
      : host_(host),
        client_(options_from(settings), host),
        as_record_(settings.text("output") == "record"),
        has_key_(settings.text("key") == "topic") {}

  void open(std::string_view position) override;
  Batch poll(std::chrono::milliseconds wait, std::size_t bytes_max) override;
  void committed(std::string_view position) override;
  void close() noexcept override;

 private:
  void take(Batch& batch, std::size_t bytes_max);
  void add(MqttMessage&& message, Batch& batch);
  bool is_known(Seen seen);
  void keep(Seen seen);
  std::string position() const;

  Host& host_;
  MqttClient client_;
  bool as_record_, has_key_;
  bool is_connected_ = false;
  std::deque<Seen> known_;            // of the stored position: may come again
  std::deque<Seen> acknowledged_;     // the last ones of those that are stored
  std::vector<Seen> unacknowledged_;  // those that were handed over since
  std::size_t bytes_ = 0;             // of the batch that is made
};

std::string MqttSource::position() const {
  std::string text;
  const auto add = [&](const auto& list) {
    for (const Seen& seen : list)
      text += fmt::format("{}{:x}:{:x}", text.empty() ? "" : " ", seen.id, seen.hash);
  };
  add(acknowledged_);
  add(unacknowledged_);
  return text;
}

void MqttSource::open(std::string_view position) {
  const bool has_position = !position.empty();
  while (!position.empty()) {
    const std::string_view one = position.substr(0, position.find(' '));
    position.remove_prefix(std::min(position.size(), one.size() + 1));
    Seen seen;
    const char* const end = one.data() + one.size();
    const auto id = std::from_chars(one.data(), end, seen.id, 16);
    if (id.ec != std::errc() || id.ptr == end || *id.ptr != ':' ||
        std::from_chars(id.ptr + 1, end, seen.hash, 16).ptr != end)
      throw std::runtime_error(
          "the stored position is not one of an mqtt-source: `gameflow connector delete NAME` "
          "forgets it");
    known_.push_back(seen);
  }
  client_.connect();
  is_connected_ = true;
  if (client_.has_old_session()) return;
  known_.clear();
  if (has_position)
    host_.tell("the broker has forgotten the session: what was published meanwhile did not come");
}

// What was stored comes again before everything else.
bool MqttSource::is_known(Seen seen) {
  const auto found = std::find(known_.begin(), known_.end(), seen);
  const bool is_known = found != known_.end();
  known_.erase(known_.begin(), is_known ? found + 1 : found);
  return is_known;
}

void MqttSource::keep(Seen seen) {
  acknowledged_.push_back(seen);
  if (acknowledged_.size() > kAcknowledgedMax) acknowledged_.pop_front();
}

void MqttSource::add(MqttMessage&& message, Batch& batch) {
  Record record;
  if (has_key_) record.key = message.topic;
  if (as_record_) {
    record.value = "{\"mqtt_topic\":" + json_text(message.topic) + ",\"payload\":";
    record.value +=
        JsonValue::parse(message.payload) ? message.payload : json_text(message.payload);
    record.value += '}';
  } else {
    record.value = std::move(message.payload);
  }
  bytes_ += record.value.size();
  batch.records.push_back(std::move(record));
}

// Moves messages into the batch as far as there is room.
void MqttSource::take(Batch& batch, std::size_t bytes_max) {
  auto& messages = client_.messages();
  while (!messages.empty() && bytes_ < bytes_max && unacknowledged_.size() < kUnacknowledgedMax) {
    MqttMessage message = std::move(messages.front());
    messages.pop_front();
    const Seen seen = seen_of(message);
    if (message.id != 0 && is_known(seen)) {
      // Until the acknowledgement has come it may be sent once more, after another crash.
      keep(seen);
      continue;
    }
    if (message.payload.size() > kPayloadMax) {
      host_.tell(fmt::format("a message of {} bytes in '{}' is left out: 4 MiB is the limit",
                             message.payload.size(), message.topic));
      continue;
    }
    if (message.id != 0) unacknowledged_.push_back(seen);
    add(std::move(message), batch);
  }
}

Batch MqttSource::poll(std::chrono::milliseconds wait, std::size_t bytes_max) {
  const auto deadline = steady_clock::now() + wait;
  Batch batch;
  bytes_ = 0;
  while (true) {
    take(batch, bytes_max);
    const bool has_room = bytes_ < bytes_max && unacknowledged_.size() < kUnacknowledgedMax;
    const auto rest = std::chrono::ceil<std::chrono::milliseconds>(
        std::max<steady_clock::duration>(deadline - steady_clock::now(), 0ms));
    // Where nothing is open nothing can be acknowledged too early.
    if (unacknowledged_.empty() && client_.messages().empty()) client_.acknowledge();
    if (!has_room) {
      if (batch.records.empty()) std::this_thread::sleep_for(std::min(rest, 50ms));
      break;
    }
    const bool has_records = !batch.records.empty();
    const bool came = client_.read(has_records ? 0ms : std::min(rest, 200ms));
    if (came) continue;
    if (has_records || rest == 0ms || host_.is_stopping()) break;
  }
  batch.position = position();
  return batch;
}

void MqttSource::committed(std::string_view committed_position) {
  // Several batches may be open; and messages that were read before there was room for them.
  if (committed_position != position() || !client_.messages().empty()) return;
  for (const Seen seen : unacknowledged_) keep(seen);
  unacknowledged_.clear();
  client_.acknowledge();
}

void MqttSource::close() noexcept {
  if (is_connected_ && unacknowledged_.empty() && client_.messages().empty()) client_.disconnect();
  is_connected_ = false;
}

}  // namespace

constinit const Kind kMqttSource{
    .type = "mqtt-source",
    .section = "mqtt",
    .doc = "the messages of an MQTT broker",
    .settings = kSettings,
    .make_source = [](const Settings& settings, Host& host) -> std::unique_ptr<Source> {
      return std::make_unique<MqttSource>(settings, host);
    }};

}  // namespace gameflow::connect
