// gameflow_bench: every claim about speed, most of them as a ratio to the hand-written loops in
// baseline.h.
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>
#include <spdlog/spdlog.h>

#include "report.h"

int main(int argc, char** argv) {
  using namespace gameflow::bench;
  std::string filter, out_path;
  bool quick = false;
  CLI::App app("Measures gameflow against a hand-written loop.");
  app.add_option("--filter", filter, "only cases with this in their name");
  app.add_option("--out", out_path, "also write the figures as JSON lines to this file");
  app.add_flag("--quick", quick, "fewer and smaller runs: does it work, not how fast it is");
  CLI11_PARSE(app, argc, argv);

  spdlog::set_level(spdlog::level::warn);
  Cases cases;
  add_record_cases(cases);
  add_engine_cases(cases);
  add_pipe_cases(cases);
  add_large_cases(cases);
  add_http_cases(cases);
  add_ingest_cases(cases);
  add_watch_cases(cases);
  add_generate_cases(cases);
  add_connect_cases(cases);
  add_crowd_cases(cases);
  add_flagship_cases(cases);
  add_history_cases(cases);
  std::erase_if(cases, [&](const Case& c) { return c.name.find(filter) == std::string::npos; });

  try {
    EventOptions options;
    if (quick) options = {.players = 10'000, .events_per_window = 50'000, .windows = 2};
    const Events events(options);
    std::ofstream out;
    if (!out_path.empty()) out.open(out_path);
    measure(cases, {events, quick}, [&](const Measured& measured) {
      print_line(measured, std::cout);
      if (out.is_open()) write_json_lines(measured, out);
    });
    if (!out_path.empty() && !out.flush()) {
      std::cerr << "cannot write " << out_path << '\n';
      return 1;
    }
  } catch (const std::exception& error) {
    std::cerr << "gameflow_bench: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
