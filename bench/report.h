// Cases, how they are measured, and how the figures are told.
//
// Each case runs several times, every run right after one of the baseline, so that both see the
// same machine; medians are reported, and as the ratio the median of the pairs' ratios.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "events.h"

namespace gameflow::bench {

// What one run did, and in how long.
struct Run {
  std::size_t events = 0;
  std::size_t bytes = 0;  // of JSON; 0 where it means nothing
  double seconds = 0;
};

struct Case {
  std::string name;     // "record/decode"
  bool compare = true;  // its events/s are work the baseline does too: report the ratio
  // Gets ready, outside of the measurement, and returns what is run. Called once, only if the case
  // is wanted. `events` outlives it. Throws std::exception if it cannot run.
  std::function<std::function<Run()>(const Events& events)> prepare;
};

// One file a folder adds its cases here; main.cc lists them.
using Cases = std::vector<Case>;
void add_record_cases(Cases& cases);
void add_engine_cases(Cases& cases);
void add_http_cases(Cases& cases);

struct Figures {
  std::string name;
  double events_per_second = 0;
  double megabytes_per_second = 0;  // 10^6 bytes; 0 where it means nothing
  std::optional<double> ratio_to_baseline;
};

// Runs `body` alone, for the seconds in a Run.
double seconds_of(const std::function<void()>& body);

// The baseline's own figures first, then those of each case, as they come.
void measure(const Cases& cases, const Events& events, std::size_t repetitions,
             const std::function<void(const Figures&)>& report);

// "record/decode    5.12 M events/s   1408 MB/s   1.21 x baseline"
void print_line(const Figures& figures, std::ostream& out);

// {"name","value","unit","ratio_to_baseline"}: a line for events/s, and one for MB/s where it means
// something. The ratio is null where there is none.
void write_json_lines(const Figures& figures, std::ostream& out);

}  // namespace gameflow::bench
