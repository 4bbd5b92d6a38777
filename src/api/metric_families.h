// Families of metrics, and their Prometheus text: of api, and of whoever serves it.
#pragma once

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

  // In the text format of Prometheus, version 0.0.4.
  std::string text();

 private:
  void begin(const char* name, const char* help, prometheus::MetricType type);

  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace gameflow::api
