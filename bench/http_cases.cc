// NDJSON over loopback, with the flagship running as it does in use. Events happen as they are
// sent.
#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "baseline.h"
#include "client.h"
#include "report.h"
#include "runtime/engine.h"
#include "world.h"

namespace gameflow::bench {
namespace {

constexpr std::size_t kConnections = 100;

struct Playing {
  World world;
  Serving serving;
  std::vector<EventsRequest> requests;

  Playing(std::string yaml, const Events& events) : world(std::move(yaml)), serving(world) {
    for (const auto& batch : events.batches) requests.emplace_back(*batch);
  }

  runtime::ServiceStats stats() { return serving.engine().stats().services.at(0); }
  // Otherwise the engine was spared most of its work.
  void check_punctual() {
    const runtime::ServiceStats now = stats();
    if (now.records_late * 10 > now.records_in) {
      throw std::runtime_error(
          fmt::format("{} of {} records were late", now.records_late, now.records_in));
    }
  }
};

// All requests once, over some connections. What the engine has not read when the last one is
// answered it reads before the next run.
void send_all(Playing& playing) {
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;
  std::atomic<bool> failed{false};
  const auto send = [&] {
    try {
      Client client(playing.serving.port());
      for (std::size_t i; (i = next.fetch_add(1)) < playing.requests.size();) {
        playing.requests[i].send(client, playing.world.clock.now());
      }
    } catch (...) {
      if (!failed.exchange(true)) failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> clients;
    for (std::size_t i = 0; i < kConnections; ++i) clients.emplace_back(send);
  }
  if (failure) std::rethrow_exception(failure);
}

void wait_until_read(Playing& playing) {
  const std::uint64_t records = playing.world.records("player-events");
  while (playing.stats().records_in < records) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

Body prepare_ingest(const Setting& setting) {
  use_all_cores();
  auto playing = std::make_shared<Playing>(flagship_yaml(), setting.events);
  return against_baseline(setting, [playing, &events = setting.events] {
    const double seconds = seconds_of([&] { send_all(*playing); });
    wait_until_read(*playing);
    playing->check_punctual();
    return Run{events.count, events.json_bytes, seconds};
  });
}

// Of all threads but this one, which is the client.
double server_cpu_seconds() {
  return process_cpu_seconds() - thread_cpu_seconds();
}

double baseline_cpu_seconds_per_event(const Events& events) {
  const double before = thread_cpu_seconds();
  const BaselineResult result = run_baseline(events);
  return (thread_cpu_seconds() - before) / static_cast<double>(result.events);
}

// Sends a batch every so often until a window closes: what happens from one close to the next is
// the whole way of a window's events, each part of it once.
class Live {
 public:
  Live(Playing& playing, std::chrono::milliseconds interval)
      : playing_(playing), client_(playing.serving.port()), interval_(interval) {}

  // Returns how many batches it sent.
  std::size_t send_a_window() {
    const std::uint64_t closed = playing_.stats().windows_closed;
    std::size_t batches = 0;
    for (auto next = std::chrono::steady_clock::now(); playing_.stats().windows_closed == closed;
         next += interval_) {
      std::this_thread::sleep_until(next);
      EventsRequest& request = playing_.requests[next_++ % playing_.requests.size()];
      request.send(client_, playing_.world.clock.now());
      ++batches;
    }
    return batches;
  }

 private:
  Playing& playing_;
  Client client_;
  std::chrono::milliseconds interval_;
  std::size_t next_ = 0;
};

// At 100,000 events/s, which is a window of the baseline in the same time.
Body prepare_live(const Setting& setting) {
  use_all_cores();
  std::string yaml = flagship_yaml(1);
  if (setting.quick) {
    yaml = replaced(std::move(yaml), "duration: 5s", "duration: 500ms");
    yaml = replaced(std::move(yaml), "grace-period: 2s", "grace-period: 500ms");
  }
  auto playing = std::make_shared<Playing>(std::move(yaml), setting.events);
  auto live = std::make_shared<Live>(*playing, std::chrono::milliseconds(10));
  live->send_a_window();
  return [playing, live, &events = setting.events] {
    const double wanted = baseline_cpu_seconds_per_event(events);
    const double before = server_cpu_seconds();
    const std::size_t batches = live->send_a_window();
    const double seconds = server_cpu_seconds() - before;
    playing->check_punctual();
    const double per_event = seconds / static_cast<double>(batches * events.options.batch_records);
    return std::vector{Sample{per_event * 1e9, per_event / wanted}};
  };
}

// Each of the connections has one request under way; the client, one thread, takes the answers in
// turn.
class Singles {
 public:
  static constexpr std::size_t kConnections = 100;

  Singles(const World& world, std::uint16_t port, const Events& events) : world_(world) {
    for (std::size_t i = 0; i < kConnections; ++i) {
      clients_.push_back(std::make_unique<Client>(port));
      requests_.emplace_back(*events.batches.front(),
                             EventsRequest::Form{.begin = i, .end = i + 1});
    }
  }

  // From a request to its answer, ms, of each.
  std::vector<double> send(std::size_t rounds) {
    std::vector<double> took;
    std::vector<std::chrono::steady_clock::time_point> began(kConnections);
    for (std::size_t round = 0; round <= rounds; ++round) {
      for (std::size_t i = 0; i < kConnections; ++i) {
        if (round > 0) {
          requests_[i].check(clients_[i]->receive());
          took.push_back(
              std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began[i])
                  .count());
        }
        if (round == rounds) continue;
        const std::string_view request = requests_[i].written(world_.clock.now());
        began[i] = std::chrono::steady_clock::now();
        clients_[i]->send(request);
      }
    }
    return took;
  }

 private:
  const World& world_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<EventsRequest> requests_;
};

Body prepare_singles(const Setting& setting) {
  use_all_cores();
  auto playing = std::make_shared<Playing>(flagship_yaml(), setting.events);
  auto singles = std::make_shared<Singles>(playing->world, playing->serving.port(), setting.events);
  return [playing, singles, rounds = setting.quick ? 5U : 300U] {
    std::vector<double> took;
    const double before = server_cpu_seconds();
    const double seconds = seconds_of([&] { took = singles->send(rounds); });
    const double cpu = server_cpu_seconds() - before;
    const auto requests = static_cast<double>(took.size());
    return std::vector{Sample{requests / seconds}, Sample{cpu / requests * 1e6},
                       Sample{percentile(std::move(took), 0.99)}};
  };
}

}  // namespace

void add_http_cases(Cases& cases) {
  using enum Target::Better;
  cases.push_back({.name = "ingest/http",
                   .figures = {{"", "events/s", "baseline", Target{kHigher, 0.6, 1}}},
                   .prepare = prepare_ingest});
  cases.push_back({.name = "engine/live",
                   .figures = {{"", "ns CPU", "baseline", Target{kLower, 2.5, 1.5}}},
                   .repetitions = 3,
                   .prepare = prepare_live});
  cases.push_back({.name = "ingest/single",
                   .figures = {{"", "requests/s", "", Target{kHigher, 10'000}},
                               {"/cpu", "us CPU", "", Target{kLower, 80}},
                               {"/p99", "ms", "", Target{kLower, 100}}},
                   .prepare = prepare_singles});
}

}  // namespace gameflow::bench
