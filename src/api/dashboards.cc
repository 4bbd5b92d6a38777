#include "api/dashboards.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <xxhash.h>

namespace gameflow::api {
namespace {

namespace json = boost::json;

Dashboards::Entry make_entry(spec::Dashboard dashboard) {
  Dashboards::Entry entry{.name = std::move(dashboard.name),
                          .title = std::move(dashboard.title),
                          .address = std::move(dashboard.address)};
  if (const json::value* const description = dashboard.json.if_contains("description"))
    entry.description = description->as_string();
  if (const json::value* const command = dashboard.json.if_contains("try"))
    entry.try_command = command->as_string();
  if (const json::value* const order = dashboard.json.if_contains("order"))
    entry.order = order->to_number<std::uint64_t>();
  const std::string text = json::serialize(dashboard.json);
  dashboard.json["version"] = fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
  entry.json = json::serialize(dashboard.json);
  return entry;
}

}  // namespace

void Dashboards::replace(std::vector<spec::Dashboard> dashboards) {
  Entries entries;
  Metrics metrics;
  for (spec::Dashboard& dashboard : dashboards) {
    for (spec::DashboardMetric& metric : dashboard.metrics) metrics.push_back(std::move(metric));
    entries.push_back(make_entry(std::move(dashboard)));
  }
  const auto place = [](const Entry& entry) {
    return std::tuple(entry.order.value_or(std::numeric_limits<std::uint64_t>::max()),
                      std::string_view(entry.title), std::string_view(entry.name));
  };
  std::ranges::sort(entries, {}, place);
  auto next = std::make_shared<const Entries>(std::move(entries));
  auto next_metrics = std::make_shared<const Metrics>(std::move(metrics));
  const MutexLock lock(mutex_);
  entries_.swap(next);
  metrics_.swap(next_metrics);
}

std::shared_ptr<const Dashboards::Metrics> Dashboards::metrics() const {
  const MutexLock lock(mutex_);
  return metrics_;
}

std::shared_ptr<const Dashboards::Entries> Dashboards::list() const {
  const MutexLock lock(mutex_);
  return entries_;
}

}  // namespace gameflow::api
