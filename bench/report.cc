#include "report.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "baseline.h"

namespace gameflow::bench {
namespace {

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double events_per_second(const Run& run) {
  return static_cast<double>(run.events) / run.seconds;
}

Run time_baseline(const Events& events) {
  BaselineResult result;
  const double seconds = seconds_of([&] { result = run_baseline(events); });
  return {result.events, events.json_bytes, seconds};
}

Figures figures_of(std::string name, const std::vector<Run>& runs) {
  std::vector<double> rates, bandwidths;
  for (const Run& run : runs) {
    rates.push_back(events_per_second(run));
    bandwidths.push_back(static_cast<double>(run.bytes) / run.seconds / 1e6);
  }
  return {std::move(name), median(rates), median(bandwidths), std::nullopt};
}

}  // namespace

double seconds_of(const std::function<void()>& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void measure(const Cases& cases, const Events& events, std::size_t repetitions,
             const std::function<void(const Figures&)>& report) {
  time_baseline(events);  // warms up memory and caches
  std::vector<Run> baseline;
  for (std::size_t i = 0; i < repetitions; ++i) baseline.push_back(time_baseline(events));
  Figures own = figures_of("baseline", baseline);
  own.ratio_to_baseline = 1;
  report(own);

  for (const Case& wanted : cases) {
    const auto run = wanted.prepare(events);
    run();
    std::vector<Run> runs;
    std::vector<double> ratios;
    for (std::size_t i = 0; i < repetitions; ++i) {
      const Run yardstick = wanted.compare ? time_baseline(events) : Run{1, 0, 1};
      runs.push_back(run());
      ratios.push_back(events_per_second(runs.back()) / events_per_second(yardstick));
    }
    Figures figures = figures_of(wanted.name, runs);
    if (wanted.compare) figures.ratio_to_baseline = median(ratios);
    report(figures);
  }
}

void print_line(const Figures& figures, std::ostream& out) {
  out << fmt::format("{:<28}{:>9.3f} M events/s", figures.name, figures.events_per_second / 1e6);
  if (figures.megabytes_per_second > 0) {
    out << fmt::format("{:>9.0f} MB/s", figures.megabytes_per_second);
  } else {
    out << fmt::format("{:>14}", "");
  }
  if (figures.ratio_to_baseline) {
    out << fmt::format("{:>8.2f} x baseline", *figures.ratio_to_baseline);
  }
  out << std::endl;
}

void write_json_lines(const Figures& figures, std::ostream& out) {
  const std::string ratio =
      figures.ratio_to_baseline ? fmt::format("{:.4f}", *figures.ratio_to_baseline) : "null";
  const auto line = [&](double value, std::string_view unit) {
    out << fmt::format(R"({{"name":"{}","value":{:.1f},"unit":"{}","ratio_to_baseline":{}}})",
                       figures.name, value, unit, ratio)
        << '\n';
  };
  line(figures.events_per_second, "events/s");
  if (figures.megabytes_per_second > 0) line(figures.megabytes_per_second, "MB/s");
}

}  // namespace gameflow::bench
