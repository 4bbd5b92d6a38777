#include "api/metric_families.h"

#include <sstream>
#include <utility>

#include <prometheus/text_serializer.h>

namespace gameflow::api {

using prometheus::ClientMetric;
using prometheus::MetricFamily;

void Families::add(double value, Labels labels) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.counter.value = value;
  metric.gauge.value = value;
  families_.back().metric.push_back(std::move(metric));
}

std::string Families::text() {
  std::erase_if(families_, [](const MetricFamily& family) { return family.metric.empty(); });
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families_);
  return out.str();
}

void Families::begin(const char* name, const char* help, prometheus::MetricType type) {
  MetricFamily family;
  family.name = name;
  family.help = help;
  family.type = type;
  families_.push_back(std::move(family));
}

}  // namespace gameflow::api
