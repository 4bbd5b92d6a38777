// Cases, how they are measured, and how the figures are told.
//
// A case has one or more figures. Each of its runs gives one sample for each of them; reported are
// the medians. A ratio is taken within a run, to a yardstick that has run just before, so that both
// see the same machine: the hand-written loops of baseline.h, or the engine itself with less to do.
//
// Threads  one; cases start and stop their own.
// Errors   std::exception ends the benchmark; CannotRun only this case, which is told.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "events.h"

namespace gameflow::bench {

// What the project has promised of a figure: of its ratio, where it has one.
struct Target {
  enum class Better { kHigher, kLower };

  Better better = Better::kHigher;
  double must = 0;
  std::optional<double> aim;

  bool met(double value) const { return better == Better::kHigher ? value >= must : value <= must; }
};

struct Figure {
  std::string name;       // behind the case's: "/query"; empty where there is only one
  std::string unit;       // of the amount: "events/s", "ms"
  std::string yardstick;  // what the ratio is to: "baseline"; empty: there is no ratio
  std::optional<Target> target = std::nullopt;
};

// What one run found for one figure.
struct Sample {
  double amount = 0;
  std::optional<double> ratio;
  double megabytes_per_second = 0;  // 10^6 bytes of JSON; 0 where it means nothing
  std::string note = {};            // what the amount is of, where that is found by the run
};

struct Setting {
  const Events& events;  // outlives the cases
  bool quick = false;    // only to see whether it works: small, and few runs
};

// Something that a case needs is not there: says what, and where it comes from.
struct CannotRun : std::runtime_error {
  using std::runtime_error::runtime_error;
};

using Body = std::function<std::vector<Sample>()>;

struct Case {
  std::string name;  // "record/decode"
  std::vector<Figure> figures;
  std::size_t repetitions = 7;  // 1 with --quick
  // Gets ready, outside of the measurement, and returns what is run: once as a warm-up if the case
  // repeats, then `repetitions` times. Called once, only if the case is wanted. May throw
  // CannotRun.
  std::function<Body(const Setting&)> prepare;
};

// One file a folder adds its cases here; main.cc lists them.
using Cases = std::vector<Case>;
void add_record_cases(Cases& cases);
void add_engine_cases(Cases& cases);
void add_pipe_cases(Cases& cases);
void add_large_cases(Cases& cases);
void add_http_cases(Cases& cases);
void add_ingest_cases(Cases& cases);
void add_watch_cases(Cases& cases);
void add_generate_cases(Cases& cases);
void add_connect_cases(Cases& cases);
void add_crowd_cases(Cases& cases);
void add_flagship_cases(Cases& cases);
void add_history_cases(Cases& cases);

// --- For cases whose figure is a rate ------------------------------------------------------------

// What was done, and in how long.
struct Run {
  std::size_t events = 0;
  std::size_t bytes = 0;  // of JSON; 0 where it means nothing
  double seconds = 0;

  double events_per_second() const { return static_cast<double>(events) / seconds; }
};

// Runs `body` alone, for the seconds in a Run.
double seconds_of(const std::function<void()>& body);
// As seconds_of, in CPU time of the process: what else the machine does then hardly tells.
double cpu_seconds_of(const std::function<void()>& body);

Run run_timed_baseline(const Events& events);

// Each run right after one of the baseline.
Body against_baseline(const Setting& setting, std::function<Run()> run);
// As against_baseline, with a yardstick of its own.
Body against(std::function<Run()> yardstick, std::function<Run()> run);
// Without a ratio.
Body alone(std::function<Run()> run);

double median(std::vector<double> values);                // of at least one
double percentile(std::vector<double> values, double p);  // 0 <= p <= 1; of at least one

// --- Measuring and telling -----------------------------------------------------------------------

struct Measured {
  std::string name;  // the case's and the figure's
  Figure figure;
  Sample median;
  std::string not_run;  // why there is no median; empty: there is
};

// The baseline's own figure first, then those of each case, as they come.
void measure(const Cases& cases, const Setting& setting,
             const std::function<void(const Measured&)>& report);

// "record/decode   5.12 M events/s  1408 MB/s   1.21 x baseline", and the target, if there is one,
// with whether it is met; or why it did not run.
void print_line(const Measured& measured, std::ostream& out);

// {"name","value","unit","ratio_to_baseline"}: a line for the amount, and one for MB/s where it
// means something; the ratio is null where there is none to the baseline. A figure with a target or
// with another yardstick also has "ratio","yardstick","better","must","aim","met". Of what did not
// run, "value" is null and "not_run" says why.
void write_json_lines(const Measured& measured, std::ostream& out);

}  // namespace gameflow::bench
