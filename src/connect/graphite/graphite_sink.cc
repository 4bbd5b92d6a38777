// The protocol: a line `PATH NUMBER SECONDS` for each value, and no answer. The same path and
// second again replaces the value, so what comes twice changes nothing.
#include "connect/graphite/graphite_sink.h"

#include <cmath>

#include <fmt/format.h>

#include "connect/support/json_value.h"
#include "connect/support/path_template.h"
#include "connect/support/record_time.h"
#include "connect/support/tcp_stream.h"

namespace gameflow::connect {
namespace {

constexpr std::size_t kBufferBytes = 64 << 10;

constexpr Setting kSettings[] = {
    {.key = "address",
     .is_required = true,
     .doc = "Carbon's plaintext port, `HOST:PORT`; without a port 2003",
     .example = "127.0.0.1:2003"},
    {.key = "metrics",
     .kind = SettingKind::kMap,
     .is_required = true,
     .doc = "each metric's path, with fields of the record in braces, and the field that has its "
            "value. Where that is absent or null, there is no line",
     .example = "{ \"servers.{server_data.region}.cpu_load\": parameters.cpu_load }"},
    {.key = "items",
     .doc = "the field whose list has what fields are looked up in, item by item. A record that is "
            "itself a list is taken so without this",
     .example = "servers"},
    {.key = "timestamp",
     .doc = "the field with the time: ISO 8601, or seconds or milliseconds since 1970. Without it, "
            "when the record came into its topic",
     .example = "event_timestamp"},
    {.key = "timeout",
     .kind = SettingKind::kDuration,
     .fallback = "30s",
     .doc = "how long Carbon may take nothing before the connection is made anew",
     .min = 100},
};

// A part of a path as Carbon takes it: a dot would begin another part, and files are named so.
std::string clean_part(std::string part) {
  for (char& c : part) {
    const bool is_fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (!is_fine) c = '_';
  }
  return part.empty() ? "_" : part;
}

struct Metric {
  PathTemplate path;
  std::string field;
};

class GraphiteSink final : public Sink {
 public:
  GraphiteSink(const Settings& settings, Host& host)
      : host_(host),
        address_(settings.text("address")),
        timestamp_(settings.text("timestamp")),
        items_(settings.text("items")),
        timeout_(settings.duration("timeout")) {
    for (const auto& [path, field] : settings.map("metrics")) {
      if (path.find_first_of(" \t\n") != std::string::npos || path.starts_with('.') ||
          path.ends_with('.') || path.find("..") != std::string::npos)
        throw std::runtime_error(fmt::format(
            "metrics: '{}' is no path of a metric: parts with dots between them, no spaces", path));
      metrics_.push_back({PathTemplate(path), field});
    }
    if (metrics_.empty()) throw std::runtime_error("metrics: name at least one");
  }

  std::optional<Positions> open() override {
    stream_.emplace(address_, "2003", timeout_, host_);
    return std::nullopt;
  }

  std::vector<Refused> write(std::span<const Delivery> records) override {
    std::vector<Refused> refused;
    for (std::size_t i = 0; i < records.size(); ++i) {
      const std::size_t before = lines_.size();
      if (std::string reason = add(records[i]); !reason.empty()) {
        lines_.resize(before);
        refused.push_back({i, std::move(reason)});
      }
      if (lines_.size() >= kBufferBytes) flush();
    }
    return refused;
  }

  void commit(const Positions&) override {
    flush();
    stream_->wait_until_received();
  }

  void close() noexcept override { stream_.reset(); }

 private:
  void flush() {
    stream_->send(lines_);
    lines_.clear();
  }
  std::string add(const Delivery& record);
  std::string add(const JsonValue& item, std::int64_t seconds);

  Host& host_;
  std::string address_, timestamp_, items_;
  std::chrono::milliseconds timeout_;
  std::vector<Metric> metrics_;
  std::optional<TcpStream> stream_;
  std::string lines_;
};

// Why the record is refused, or nothing.
std::string GraphiteSink::add(const Delivery& record) {
  const auto value = JsonValue::parse(record.value);
  if (!value) return "its value is no JSON";
  for (const JsonValue& item : items_of(*value, items_)) {
    std::optional<std::int64_t> time_ms = record.timestamp_ms;
    if (!timestamp_.empty()) {
      auto field = item.at(timestamp_);
      if (!field) field = value->at(timestamp_);
      time_ms = field ? time_ms_of(*field) : std::nullopt;
      if (!time_ms)
        return fmt::format("'{}' is {}, which is no time", timestamp_,
                           field ? field->raw().substr(0, 80) : "absent");
    }
    if (std::string reason = add(item, *time_ms / 1000); !reason.empty()) return reason;
  }
  return {};
}

std::string GraphiteSink::add(const JsonValue& item, std::int64_t seconds) {
  bool has_value = false;
  for (const auto& [path, field] : metrics_) {
    const auto value = item.at(field);
    if (!value || value->is(JsonValue::Kind::kNull)) continue;
    const auto number = value->number();
    if (!number || !std::isfinite(*number))
      return fmt::format("'{}' is {}, which is no number", field, value->raw().substr(0, 80));
    std::string missing;
    const auto name = path.fill(item, clean_part, missing);
    if (!name) return fmt::format("'{}' is absent, so the metric has no path", missing);
    has_value = true;
    lines_ += *name;
    fmt::format_to(std::back_inserter(lines_), " {} {}\n", value->raw(), seconds);
  }
  return has_value ? "" : "it has none of the fields under 'metrics'";
}

}  // namespace

constinit const Kind kGraphiteSink{
    .type = "graphite-sink",
    .section = "graphite",
    .doc = "numbers of records as metrics in Graphite, which Grafana shows",
    .settings = kSettings,
    .make_sink = [](const Settings& settings, Host& host) -> std::unique_ptr<Sink> {
      return std::make_unique<GraphiteSink>(settings, host);
    }};

}  // namespace gameflow::connect
