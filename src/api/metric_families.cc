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

void Families::histogram(const char* name, std::span<const double> bounds,
                         std::span<const std::uint64_t> counts, double sum, const char* help) {
  begin(name, help, prometheus::MetricType::Histogram);
  ClientMetric metric;
  metric.histogram.sample_sum = sum;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    metric.histogram.sample_count += counts[i];
    if (i < bounds.size())
      metric.histogram.bucket.push_back({metric.histogram.sample_count, bounds[i]});
  }
  families_.back().metric.push_back(std::move(metric));
}

void Families::each(
    const std::function<void(const std::string&, const Labels&, double)>& use) const {
  for (const MetricFamily& family : families_) {
    for (const ClientMetric& metric : family.metric) {
      if (family.type != prometheus::MetricType::Histogram) {
        use(family.name, metric.label, metric.gauge.value);
        continue;
      }
      use(family.name + "_sum", metric.label, metric.histogram.sample_sum);
      use(family.name + "_count", metric.label, static_cast<double>(metric.histogram.sample_count));
    }
  }
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
