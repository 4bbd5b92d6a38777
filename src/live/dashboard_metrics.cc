#include "live/dashboard_metrics.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "base/priority.h"

namespace gameflow::live {
namespace {

using namespace std::chrono_literals;

// Rows that are looked at, to count those that are too many.
constexpr std::size_t kRowsMax = 20'000;
constexpr std::size_t kAnswerBytesMax = 8U << 20;
// All queries that may run at a time do.
constexpr auto kBusyWait = 100ms;
// How soon other dashboards are seen.
constexpr auto kLook = 1s;
// A query takes at most a fifth of the thread's time.
constexpr int kPausePerTime = 4;

std::optional<double> number_in(const query::Value& value) {
  if (const auto* const whole = std::get_if<std::int64_t>(&value))
    return static_cast<double>(*whole);
  if (const auto* const real = std::get_if<double>(&value)) return *real;
  if (const auto* const digits = std::get_if<query::Digits>(&value)) {
    double number = 0;
    const char* const end = digits->text.data() + digits->text.size();
    if (std::from_chars(digits->text.data(), end, number).ptr == end) return number;
  }
  return std::nullopt;
}

std::string text_in(const query::Value& value) {
  if (const auto* const whole = std::get_if<std::int64_t>(&value)) return std::to_string(*whole);
  if (const auto* const text = std::get_if<std::string>(&value)) return *text;
  if (const auto* const digits = std::get_if<query::Digits>(&value)) return digits->text;
  if (const auto* const real = std::get_if<double>(&value)) {
    char buffer[32];
    return {buffer, std::to_chars(buffer, buffer + sizeof buffer, *real).ptr};
  }
  return "";  // as Prometheus has it: a label that is empty is none
}

}  // namespace

DashboardMetrics::DashboardMetrics(api::Api& api)
    : api_(api), metrics_(api.dashboards().metrics()), thread_([this] { run(); }) {}

DashboardMetrics::~DashboardMetrics() {
  stop();
}

void DashboardMetrics::stop() {
  {
    const MutexLock lock(mutex_);
    is_stopping_ = true;
  }
  stopping_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void DashboardMetrics::run() {
  lower_thread_priority();
  MutexLock lock(mutex_);
  asked_.resize(metrics_->size());
  while (!is_stopping_) {
    if (auto now = api_.dashboards().metrics(); now != metrics_) {
      metrics_ = std::move(now);
      asked_.assign(metrics_->size(), {});
    }
    const auto next = std::ranges::min_element(asked_, {}, &Asked::due);
    const auto look = Clock::now() + kLook;
    if (next == asked_.end() || next->due > Clock::now()) {
      stopping_.wait_until(lock.native(), next == asked_.end() ? look : std::min(look, next->due));
      continue;
    }
    const auto place = next - asked_.begin();
    const auto metrics = metrics_;
    lock.unlock();
    Asked asked = ask((*metrics)[static_cast<std::size_t>(place)]);
    lock.lock();
    // This thread alone changes them; where it was busy what was before stays.
    if (asked.was_asked)
      asked_[static_cast<std::size_t>(place)] = std::move(asked);
    else
      asked_[static_cast<std::size_t>(place)].due = asked.due;
  }
}

DashboardMetrics::Asked DashboardMetrics::ask(const spec::DashboardMetric& metric) const {
  const auto begin = Clock::now();
  const auto answer =
      api_.sql(metric.query, {.rows_max = kRowsMax, .bytes_max = kAnswerBytesMax}, {});
  Asked asked;
  const auto end = Clock::now();
  if (!answer && answer.error().code == ErrorCode::kUnavailable) {
    asked.due = end + kBusyWait;
    return asked;
  }
  if (answer)
    asked = read(*answer, metric.series_max);
  else
    asked.has_failed = true;
  asked.was_asked = true;
  asked.due = std::max(begin + std::chrono::milliseconds(metric.every_ms),
                       end + kPausePerTime * (end - begin));
  return asked;
}

DashboardMetrics::Asked DashboardMetrics::read(const query::Answer& answer,
                                               std::size_t series_max) {
  Asked asked;
  const auto value = std::ranges::find(answer.columns, "value") - answer.columns.begin();
  std::set<std::vector<std::string>> seen;
  for (const auto& row : answer.rows) {
    const auto number = number_in(row[static_cast<std::size_t>(value)]);
    if (!number) continue;  // nothing to say of it
    api::Labels labels;
    std::vector<std::string> key;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (static_cast<std::ptrdiff_t>(i) == value) continue;
      key.push_back(text_in(row[i]));
      labels.push_back({answer.columns[i], key.back()});
    }
    // Prometheus takes nothing of a scrape that has a series twice.
    if (asked.series.size() == series_max || !seen.insert(std::move(key)).second)
      ++asked.left_out;
    else
      asked.series.push_back({std::move(labels), *number});
  }
  return asked;
}

std::string DashboardMetrics::text() const {
  api::Families out;
  const MutexLock lock(mutex_);
  if (asked_.size() != metrics_->size()) return "";  // it has just begun
  for (std::size_t i = 0; i < asked_.size(); ++i) {
    const spec::DashboardMetric& metric = (*metrics_)[i];
    if (metric.is_counter)
      out.counter(metric.name.c_str(), metric.help.c_str());
    else
      out.gauge(metric.name.c_str(), metric.help.c_str());
    for (const Series& series : asked_[i].series) out.add(series.value, series.labels);
  }
  // Lambdas do not know that the lock is held.
  const std::span<const Asked> all(asked_);
  const api::Dashboards::Metrics* const metrics = metrics_.get();
  const auto each = [&](auto value_of) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].was_asked) out.add(value_of(all[i]), {{"metric", (*metrics)[i].name}});
    }
  };
  out.gauge("gameflow_dashboard_metric_up", "1 while the query of the metric succeeds.");
  each([](const Asked& asked) { return asked.has_failed ? 0.0 : 1.0; });
  out.gauge("gameflow_dashboard_metric_series", "Series that the metric has.");
  each([](const Asked& asked) { return static_cast<double>(asked.series.size()); });
  out.gauge("gameflow_dashboard_metric_left_out",
            "Rows of its answer beyond max_series, or with the labels of another one.");
  each([](const Asked& asked) { return static_cast<double>(asked.left_out); });
  return out.text();
}

}  // namespace gameflow::live
