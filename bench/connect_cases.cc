// Connectors that bring records into a topic of the flagship, as `gameflow connect` runs them,
// beside the least that reads the same. From the start of either process, or consumer, to the last
// record: read, or stored. The engine stands still: what it would do with them is another case.
#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include <fmt/format.h>

#include "kafka.h"
#include "program.h"
#include "report.h"
#include "world.h"

namespace gameflow::bench {
namespace {

constexpr std::string_view kTopic = "player-events";

// The flagship's server, and connectors to it, each under a name of its own: it begins anew.
class Connecting {
 public:
  // Of a text like a connector's file, in which the name is NAME.
  explicit Connecting(std::string file) : file_(std::move(file)) {}

  // Until a topic has `records` more.
  void run(std::uint64_t records) {
    const auto path = world_.folder.path / "connector.yaml";
    std::ofstream(path) << replaced(file_, "NAME", fmt::format("bench-{}", ++runs_));
    const std::uint64_t end = world_.records(kTopic) + records;
    Program connector({gameflow_program(), "connect", path, "--server",
                       fmt::format("http://127.0.0.1:{}", serving_.port())},
                      world_.folder.path / "connector.log");
    while (world_.records(kTopic) < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      connector.check_running();
    }
    if (world_.records(kTopic) > end) throw std::runtime_error("records came twice");
  }

 private:
  World world_{flagship_yaml(1)};
  Serving serving_{world_, Serving::Epochs::kByCase};
  const std::string file_;
  std::size_t runs_ = 0;
};

// The shipped connector on the generator's web API, whose stream lies in its memory once somebody
// has read it.
struct WebApi {
  TemporaryFolder folder;
  std::size_t events;
  Program generator;
  std::uint16_t port;

  explicit WebApi(std::size_t events_)
      : events(events_),
        generator({gameflow_program(), "generate", "--serve", "127.0.0.1:0", "--only", "player",
                   "--players", "100000", "--events", std::to_string(events), "--rate", "max",
                   "--seed", "1"},
                  folder.path / "generator.log"),
        port(generator.read_port()) {}

  std::string url() const { return fmt::format("http://127.0.0.1:{}/stream_events", port); }
  void curl() const {
    Program(
        {"curl", "--silent", "--show-error", "--fail", "--output", "/dev/null", url() + "?after=0"},
        folder.path / "curl.log")
        .wait();
  }
};

std::string http_connector(const WebApi& api) {
  std::string file = read_source("games/gaming-analytics/connectors/gaming-events.yaml");
  file = replaced(std::move(file), "name: gaming-events", "name: NAME");
  return replaced(std::move(file), "http://127.0.0.1:8000/stream_events", api.url());
}

// Each run of the connector right after one of what it is compared with.
Body beside(std::size_t events, const std::function<void()>& yardstick,
            const std::function<void()>& connector) {
  const auto timed = [events](const std::function<void()>& what) {
    return [events, what] { return Run{.events = events, .seconds = seconds_of(what)}; };
  };
  return against(timed(yardstick), timed(connector));
}

Body prepare_http_source(const Setting& setting) {
  use_all_cores();
  const auto api = std::make_shared<WebApi>(setting.quick ? 20'000U : 500'000U);
  const auto connecting = std::make_shared<Connecting>(http_connector(*api));
  api->curl();
  return beside(
      api->events, [api] { api->curl(); }, [api, connecting] { connecting->run(api->events); });
}

constexpr std::string_view kKafkaConnector = R"(apiVersion: 0.1.0
meta: {{ name: NAME, version: 0.1.0, type: kafka-source, topic: player-events }}
kafka: {{ url: "{}", topic: game-events }}
)";

Body prepare_kafka_source(const Setting& setting) {
  if (setting.quick)
    throw CannotRun("a broker takes too long; tests/system/test_connect_kafka.py has one");
  use_all_cores();
  constexpr std::size_t kEvents = 1'000'000;
  constexpr std::int32_t kPartitions = 4;
  const auto broker = std::make_shared<KafkaBroker>();
  broker->fill("game-events", kPartitions, setting.events, kEvents);
  const auto connecting = std::make_shared<Connecting>(fmt::format(kKafkaConnector, broker->url()));
  return beside(
      kEvents, [broker] { broker->read("game-events", kPartitions, kEvents); },
      [broker, connecting] { connecting->run(kEvents); });
}

}  // namespace

void add_connect_cases(Cases& cases) {
  using enum Target::Better;
  cases.push_back({.name = "connect/http-source",
                   .figures = {{"", "events/s", "curl", Target{kHigher, 0.5}}},
                   .repetitions = 5,
                   .prepare = prepare_http_source});
  cases.push_back({.name = "connect/kafka-source",
                   .figures = {{"", "events/s", "consumer", Target{kHigher, 0.5}}},
                   .repetitions = 5,
                   .prepare = prepare_kafka_source});
}

}  // namespace gameflow::bench
