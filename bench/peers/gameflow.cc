// gameflow as one of the peers: writes the events that all of them read, runs the flagship's first
// service over them, and writes its results, a window a line.
//
//   gameflow_peer EVENTS_FILE RESULTS_FILE WINDOWS RUNS
//
// Prints "step EVENTS CPU_SECONDS WALL_SECONDS" for each run.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <span>
#include <stdexcept>

#include <fmt/format.h>

#include "../events.h"
#include "../world.h"

namespace gameflow::bench {
namespace {

void write_events(const Events& events, const char* name) {
  std::ofstream out(name, std::ios::binary);
  for (const auto& batch : events.batches) {
    for (std::size_t i = 0; i < batch->size(); ++i) out << (*batch)[i].value << '\n';
  }
  if (!out.flush()) throw std::runtime_error(fmt::format("cannot write {}", name));
}

// The newest `windows` records of the service's topic.
void write_results(const World& world, std::size_t windows, const char* name) {
  std::ofstream out(name, std::ios::binary);
  const log::TopicInfo topic = must(world.store->topic("player-session-summaries"));
  const record::Offset from{topic.partitions.at(0).end.value - windows};
  for (const auto& batch : must(world.store->read(topic.id, 0, from, SIZE_MAX)).batches) {
    for (std::size_t i = 0; i < batch->size(); ++i) {
      if (batch->offset(i) >= from) out << (*batch)[i].value << '\n';
    }
  }
  if (!out.flush()) throw std::runtime_error(fmt::format("cannot write {}", name));
}

void run(char** arguments) {
  const std::size_t windows = std::strtoul(arguments[3], nullptr, 10);
  const std::size_t runs = std::strtoul(arguments[4], nullptr, 10);
  World world(flagship_yaml(1));
  world.open_engine(1);  // makes the topics
  std::size_t count = 0;
  {
    const Events events({.windows = windows});
    count = events.count;
    write_events(events, arguments[1]);
    world.fill("player-events", events);
  }
  world.open_store();
  use_one_core();
  for (std::size_t i = 0; i < runs; ++i) {
    const auto engine = world.open_engine_afresh(1, Duration{0});
    const auto is_done = [&](std::span<const runtime::ServiceStats> services) {
      return services[0].records_out == windows;
    };
    const double cpu_before = process_cpu_seconds();
    const auto wall_before = std::chrono::steady_clock::now();
    run_to_end(*engine, is_done);
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - wall_before;
    fmt::print("step {} {:.3f} {:.3f}\n", count, process_cpu_seconds() - cpu_before, wall.count());
  }
  write_results(world, windows, arguments[2]);
}

}  // namespace
}  // namespace gameflow::bench

int main(int argc, char** argv) try {
  if (argc != 5) {
    std::fputs("usage: gameflow_peer EVENTS_FILE RESULTS_FILE WINDOWS RUNS\n", stderr);
    return 2;
  }
  gameflow::bench::run(argv);
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "gameflow_peer: {}\n", error.what());
  return 1;
}
