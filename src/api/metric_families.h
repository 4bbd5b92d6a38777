// Families of metrics, and their Prometheus text: of api, and of whoever serves it.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <prometheus/metric_family.h>

namespace gameflow::api {

using Label = prometheus::ClientMetric::Label;
using Labels = std::vector<Label>;

class Families {
 public:
  // The family that the following values belong to. Families without a value are left out.
  void counter(const char* name, const char* help) {
    begin(name, help, prometheus::MetricType::Counter);
  }
  void gauge(const char* name, const char* help) {
    begin(name, help, prometheus::MetricType::Gauge);
  }
  void add(double value, Labels labels = {});
  void counter(const char* name, double value, const char* help) {
    counter(name, help);
    add(value);
  }
  void gauge(const char* name, double value, const char* help) {
    gauge(name, help);
    add(value);
  }
  // One of its own: how many values were up to each of the bounds, each counted once and those
  // above all bounds last, and the sum of all.
  void histogram(const char* name, std::span<const double> bounds,
                 std::span<const std::uint64_t> counts, double sum, const char* help);

  // Calls `use` with each series: its name, labels and value; of a histogram with its sum and
  // count.
  void each(const std::function<void(const std::string& name, const Labels& labels, double value)>&
                use) const;
  // In the text format of Prometheus, version 0.0.4.
  std::string text();

 private:
  void begin(const char* name, const char* help, prometheus::MetricType type);

  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace gameflow::api
