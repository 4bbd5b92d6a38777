#include "report.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "baseline.h"
#include "record/codec.h"
#include "world.h"

namespace gameflow::bench {
namespace {

Sample sample_of(const Run& run) {
  return {.amount = run.events_per_second(),
          .megabytes_per_second = static_cast<double>(run.bytes) / run.seconds / 1e6};
}

Sample median_of(const std::vector<Sample>& samples) {
  std::vector<double> amounts, ratios, bandwidths;
  for (const Sample& sample : samples) {
    amounts.push_back(sample.amount);
    if (sample.ratio) ratios.push_back(*sample.ratio);
    bandwidths.push_back(sample.megabytes_per_second);
  }
  return {median(amounts), ratios.empty() ? std::nullopt : std::optional(median(ratios)),
          median(bandwidths), samples.back().note};
}

Case baseline_case() {
  return {.name = "baseline",
          .figures = {{"", "events/s", "baseline"}},
          .prepare = [](const Setting& setting) -> Body {
            return [&events = setting.events] {
              Sample sample = sample_of(run_timed_baseline(events));
              sample.ratio = 1;
              return std::vector{sample};
            };
          }};
}

void measure_case(const Case& wanted, const Setting& setting,
                  const std::function<void(const Measured&)>& report) {
  Body body;
  try {
    body = wanted.prepare(setting);
  } catch (const CannotRun& missing) {
    for (const Figure& figure : wanted.figures) {
      Measured measured;
      measured.name = wanted.name + figure.name;
      measured.figure = figure;
      measured.not_run = missing.what();
      report(measured);
    }
    return;
  }
  const std::size_t repetitions = setting.quick ? 1 : wanted.repetitions;
  if (repetitions > 1) body();
  std::vector<std::vector<Sample>> of_figure(wanted.figures.size());
  for (std::size_t i = 0; i < repetitions; ++i) {
    const std::vector<Sample> samples = body();
    for (std::size_t f = 0; f < of_figure.size(); ++f) of_figure[f].push_back(samples.at(f));
  }
  for (std::size_t f = 0; f < of_figure.size(); ++f) {
    Figure figure = wanted.figures[f];
    if (setting.quick) figure.target.reset();  // it says nothing of so small a run
    report({wanted.name + figure.name, figure, median_of(of_figure[f]), {}});
  }
}

// Two or three digits that say something, whatever the size.
std::string short_number(double value) {
  return fmt::format("{:.{}f}", value, value >= 100 ? 0 : value >= 10 ? 1 : 2);
}

std::string told_target(const Target& target, double value) {
  const char* const sign = target.better == Target::Better::kHigher ? ">=" : "<=";
  const std::string must =
      fmt::format("must {} {:g}: {}", sign, target.must, target.met(value) ? "met" : "NOT met");
  return target.aim ? fmt::format("{:<22}  aim {} {:g}", must, sign, *target.aim) : must;
}

}  // namespace

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double percentile(std::vector<double> values, double p) {
  const auto rank = static_cast<std::size_t>(std::ceil(p * static_cast<double>(values.size())));
  const std::size_t index = std::min(values.size(), std::max<std::size_t>(rank, 1)) - 1;
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(index));
  return values[index];
}

double seconds_of(const std::function<void()>& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double cpu_seconds_of(const std::function<void()>& body) {
  const double before = process_cpu_seconds();
  body();
  return process_cpu_seconds() - before;
}

Run run_timed_baseline(const Events& events) {
  BaselineResult result;
  const double seconds = seconds_of([&] { result = run_baseline(events); });
  return {result.events, events.json_bytes, seconds};
}

Body against(std::function<Run()> yardstick, std::function<Run()> run) {
  return [yardstick = std::move(yardstick), run = std::move(run)] {
    const double wanted = yardstick().events_per_second();
    const Run measured = run();
    Sample sample = sample_of(measured);
    sample.ratio = measured.events_per_second() / wanted;
    return std::vector{sample};
  };
}

Body against_baseline(const Setting& setting, std::function<Run()> run) {
  return against([&events = setting.events] { return run_timed_baseline(events); }, std::move(run));
}

Body alone(std::function<Run()> run) {
  return [run = std::move(run)] { return std::vector{sample_of(run())}; };
}

void measure(const Cases& cases, const Setting& setting,
             const std::function<void(const Measured&)>& report) {
  measure_case(baseline_case(), setting, report);
  for (const Case& wanted : cases) measure_case(wanted, setting, report);
}

void print_line(const Measured& measured, std::ostream& out) {
  const Figure& figure = measured.figure;
  std::string line = fmt::format("{:<34}", measured.name);
  if (!measured.not_run.empty()) {
    out << line << " not run: " << measured.not_run << std::endl;
    return;
  }
  const Sample& sample = measured.median;
  const bool rate = figure.unit == "events/s";
  line += fmt::format("{:>8} {:<10}", short_number(rate ? sample.amount / 1e6 : sample.amount),
                      rate ? "M events/s" : figure.unit);
  line += sample.megabytes_per_second > 0
              ? fmt::format("{:>6.0f} MB/s", sample.megabytes_per_second)
              : fmt::format("{:>11}", "");
  line += sample.ratio
              ? fmt::format("{:>8} x {:<12}", short_number(*sample.ratio), figure.yardstick)
              : fmt::format("{:>23}", "");
  if (figure.target) {
    line += "  " + told_target(*figure.target, sample.ratio.value_or(sample.amount));
  }
  if (!sample.note.empty()) line += fmt::format("  ({})", sample.note);
  out << line.substr(0, line.find_last_not_of(' ') + 1) << std::endl;
}

void write_json_lines(const Measured& measured, std::ostream& out) {
  const Figure& figure = measured.figure;
  const Sample& sample = measured.median;
  if (!measured.not_run.empty()) {
    std::string why;
    record::encode_json_string(measured.not_run, why);
    out << fmt::format(R"({{"name":"{}","value":null,"unit":"{}","ratio_to_baseline":null,)"
                       R"("not_run":{}}})",
                       measured.name, figure.unit, why)
        << '\n';
    return;
  }
  const std::string ratio = sample.ratio ? fmt::format("{:.4f}", *sample.ratio) : "null";
  const bool to_baseline = figure.yardstick == "baseline";
  std::string more;
  if (figure.target || (sample.ratio && !to_baseline)) {
    more = fmt::format(R"(,"ratio":{},"yardstick":"{}")", ratio, figure.yardstick);
  }
  if (const auto& target = figure.target) {
    more += fmt::format(R"(,"better":"{}","must":{:g},"aim":{},"met":{})",
                        target->better == Target::Better::kHigher ? "higher" : "lower",
                        target->must, target->aim ? fmt::format("{:g}", *target->aim) : "null",
                        target->met(sample.ratio.value_or(sample.amount)));
  }
  if (!sample.note.empty()) {
    more += R"(,"note":)";
    record::encode_json_string(sample.note, more);
  }
  const auto line = [&](double value, std::string_view unit, std::string_view rest) {
    out << fmt::format(R"({{"name":"{}","value":{:.3f},"unit":"{}","ratio_to_baseline":{}{}}})",
                       measured.name, value, unit, to_baseline ? ratio : "null", rest)
        << '\n';
  };
  line(sample.amount, figure.unit, more);
  if (sample.megabytes_per_second > 0) line(sample.megabytes_per_second, "MB/s", "");
}

}  // namespace gameflow::bench
