#include "api/connectors.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace gameflow::api {
namespace {

namespace json = boost::json;

// Connectors are producers of these names.
constexpr std::string_view kProducerPrefix = "connector/";

std::string producer_of(std::string_view name) {
  return fmt::format("{}{}", kProducerPrefix, name);
}

bool is_final(std::string_view state) {
  return state == "failed" || state == "stopped";
}

}  // namespace

Status Connectors::report(std::string_view name, ConnectorReport report) {
  if (!log::is_topic_name(name) || name.size() > 180) {
    return fail(ErrorCode::kInvalidArgument,
                "a connector's name has letters, digits, '.', '_' and '-', at most 180 of them");
  }
  const Timestamp now = clock_.now();
  const MutexLock lock(mutex_);
  if (reported_.size() >= kConnectorsMax && !reported_.contains(name)) {
    const auto oldest =
        std::ranges::min_element(reported_, {}, [](const auto& entry) { return entry.second.at; });
    if (now - oldest->second.at < kReportAgeMax) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("there are {} connectors already", kConnectorsMax));
    }
    reported_.erase(oldest);
  }
  Reported next{.report = std::move(report), .at = now};
  next.records_before = next.report.records;
  next.before = now;
  if (const auto found = reported_.find(name); found != reported_.end())
    measure(found->second, next);
  reported_.insert_or_assign(std::string(name), std::move(next));
  return {};
}

// Reports come when the state changes, too: over less than a second there is no rate.
void Connectors::measure(const Reported& last, Reported& now) {
  constexpr std::int64_t kLeastMs = 1'000;
  const bool is_same = last.report.pid == now.report.pid;
  if (!is_same || now.report.records < last.records_before) return;
  const std::int64_t ms = (now.at - last.before).ms;
  now.records_per_second = last.records_per_second;
  if (ms >= kLeastMs) {
    now.records_per_second = 1000 * static_cast<double>(now.report.records - last.records_before) /
                             static_cast<double>(ms);
    return;
  }
  now.records_before = last.records_before;
  now.before = last.before;
}

std::vector<Connector> Connectors::list() const {
  std::map<std::string, log::ProducerState> stored;
  if (auto positions = store_.positions()) {
    for (log::NamedProducer& entry : *positions) {
      if (!entry.producer.starts_with(kProducerPrefix)) continue;
      stored.emplace(entry.producer.substr(kProducerPrefix.size()), std::move(entry.state));
    }
  } else {
    spdlog::error("connectors: {}", positions.error().message);
  }
  const auto reported = [this] {
    const MutexLock lock(mutex_);
    return reported_;
  }();
  for (const auto& [name, none] : reported) stored.try_emplace(name);
  std::vector<Connector> all;
  for (auto& [name, state] : stored) {
    const auto found = reported.find(name);
    all.push_back(
        describe(name, found == reported.end() ? nullptr : &found->second, std::move(state)));
  }
  return all;
}

std::optional<Connector> Connectors::find(std::string_view name) const {
  auto stored = store_.producer(log::kAllTopics, producer_of(name));
  if (!stored) stored.emplace();
  std::optional<Reported> reported;
  {
    const MutexLock lock(mutex_);
    if (const auto found = reported_.find(name); found != reported_.end()) reported = found->second;
  }
  if (!reported && !stored->position) return std::nullopt;
  return describe(std::string(name), reported ? &*reported : nullptr, *std::move(stored));
}

Result<Connectors::Forgotten> Connectors::forget(std::string_view name) {
  const std::optional<Connector> known = find(name);
  if (!known) return Forgotten::kUnknown;
  if (known->report && known->state != "lost" && !is_final(known->state))
    return Forgotten::kStillReports;
  GF_TRY(store_.forget_producer(log::kAllTopics, producer_of(name)));
  const MutexLock lock(mutex_);
  if (const auto found = reported_.find(name); found != reported_.end()) reported_.erase(found);
  return Forgotten::kDone;
}

Connector Connectors::describe(std::string name, const Reported* reported,
                               log::ProducerState stored) const {
  Connector connector{.name = std::move(name),
                      .report = {},
                      .reported_at = {},
                      .state = "not running",
                      .stored = std::move(stored),
                      .lag = {},
                      .records_per_second = {}};
  if (reported != nullptr) {
    connector.report = reported->report;
    connector.reported_at = reported->at;
    connector.state = state_of(*reported);
    connector.lag = reported->report.lag;
    if (connector.state != "lost" && !is_final(connector.state))
      connector.records_per_second = reported->records_per_second;
  }
  const bool may_be_sink = reported == nullptr || reported->report.direction == "sink";
  if (may_be_sink && connector.stored.position) {
    if (const auto lag = lag_behind(*connector.stored.position)) connector.lag = lag;
  }
  return connector;
}

std::string Connectors::state_of(const Reported& reported) const {
  const bool is_silent = clock_.now() - reported.at >= kReportAgeMax;
  return is_silent && !is_final(reported.report.state) ? "lost" : reported.report.state;
}

// Of a sink, whose position is {"TOPIC/PARTITION":OFFSET,…}: how many offsets are behind it.
// Nothing for any other position.
std::optional<std::uint64_t> Connectors::lag_behind(std::string_view position) const {
  json::error_code error;
  const json::value parsed = json::parse({position.data(), position.size()}, error);
  if (error || !parsed.is_object() || parsed.get_object().empty()) return std::nullopt;
  std::uint64_t lag = 0;
  for (const auto& [key, value] : parsed.get_object()) {
    const std::string_view place(key.data(), key.size());
    const std::size_t slash = place.rfind('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const char* const end = place.data() + place.size();
    std::uint32_t partition = 0;
    const auto read = std::from_chars(place.data() + slash + 1, end, partition);
    const auto offset = value.to_number<std::uint64_t>(error);
    if (read.ec != std::errc() || read.ptr != end || error) return std::nullopt;
    const auto topic = store_.topic(place.substr(0, slash));
    if (!topic || partition >= topic->partitions.size()) continue;
    const log::PartitionInfo& info = topic->partitions[partition];
    lag += info.end.value - std::min(info.end.value, std::max(info.begin.value, offset));
  }
  return lag;
}

}  // namespace gameflow::api
