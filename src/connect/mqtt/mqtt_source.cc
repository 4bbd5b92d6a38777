// Messages are acknowledged once they are durable. A crash before the broker has noted that makes
// it send them again, under their ids, in their order, before everything else. So the position
// names the last ones that were handed over, `ID:HASH` of each, and of what is repeated all up to
// the last one that is named is stored already.
#include "connect/mqtt/mqtt_source.h"

#include <algorithm>
#include <charconv>
#include <deque>

#include <fmt/format.h>

#include "connect/mqtt/mqtt_client.h"
#include "connect/support/json_value.h"
#include "connect/support/slice.h"

namespace gameflow::connect {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

// One would do. Several stand in for one that the broker has dropped, as with a payload that became
// too old for it; all fit in a position.
constexpr std::size_t kNamedMax = 64;
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
  void read_position(std::string_view position);
  std::string position() const;
  void skip_stored();
  void take(Batch& batch, std::size_t bytes_max);
  void add(MqttMessage&& message, Batch& batch);
  // Whether all that has come is stored, so that it may be acknowledged.
  bool is_done() const { return is_stored_ && client_.messages().empty(); }

  Host& host_;
  MqttClient client_;
  bool as_record_, has_key_;
  bool is_connected_ = false;
  bool is_stored_ = true;  // all that was handed over
  std::deque<Seen> last_;  // that were handed over, at most kNamedMax
  std::size_t bytes_ = 0;  // of the batch that is made
};

std::string MqttSource::position() const {
  std::string text;
  for (const Seen& seen : last_)
    text += fmt::format("{}{:x}:{:x}", text.empty() ? "" : " ", seen.id, seen.hash);
  return text;
}

void MqttSource::read_position(std::string_view position) {
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
    last_.push_back(seen);
  }
}

void MqttSource::open(std::string_view position) {
  read_position(position);
  client_.connect();
  is_connected_ = true;
  if (client_.has_old_session()) return skip_stored();
  last_.clear();
  if (!position.empty())
    host_.tell("the broker has forgotten the session: what was published meanwhile did not come");
}

void MqttSource::skip_stored() {
  auto& messages = client_.messages();
  const auto is_named = [&](const MqttMessage& message) {
    return message.id != 0 && std::ranges::count(last_, seen_of(message)) > 0;
  };
  const auto last = std::find_if(messages.rbegin(), messages.rend(), is_named);
  messages.erase(messages.begin(), last.base());
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
  while (!messages.empty() && bytes_ < bytes_max) {
    MqttMessage message = std::move(messages.front());
    messages.pop_front();
    if (message.payload.size() > kPayloadMax) {
      host_.tell(fmt::format("a message of {} bytes in '{}' is left out: 4 MiB is the limit",
                             message.payload.size(), message.topic));
      continue;
    }
    if (message.id != 0) {
      last_.push_back(seen_of(message));
      if (last_.size() > kNamedMax) last_.pop_front();
    }
    is_stored_ = false;
    add(std::move(message), batch);
  }
}

Batch MqttSource::poll(std::chrono::milliseconds wait, std::size_t bytes_max) {
  const auto deadline = steady_clock::now() + wait;
  Batch batch;
  bytes_ = 0;
  while (true) {
    take(batch, bytes_max);
    if (is_done()) client_.acknowledge();
    if (bytes_ >= bytes_max) break;
    const bool has_records = !batch.records.empty();
    const auto rest = std::chrono::ceil<std::chrono::milliseconds>(
        std::max<steady_clock::duration>(deadline - steady_clock::now(), 0ms));
    const bool came = client_.read(has_records ? 0ms : std::min(rest, kSlice));
    if (came) continue;
    if (has_records || rest == 0ms || host_.is_stopping()) break;
  }
  batch.position = position();
  return batch;
}

void MqttSource::committed(std::string_view committed_position) {
  // Several batches may be open.
  if (committed_position == position()) is_stored_ = true;
  if (is_done()) client_.acknowledge();
}

void MqttSource::close() noexcept {
  if (is_connected_ && is_done()) client_.disconnect();
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
