// POST /events as game clients send it, beside POST /topics/player-events/records with the same
// lines, without and with ids that are looked up. The engine stands still: records cost it the
// same.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "client.h"
#include "report.h"
#include "world.h"

namespace gameflow::bench {
namespace {

using Route = EventsRequest::Route;

constexpr std::size_t kConnections = 16;
constexpr std::size_t kSizes[] = {20, 100};  // events a request
constexpr std::string_view kIds = "    deduplicate: [{ field: event_id, within: 24h }]\n";

// Of an event.
struct Cost {
  double seconds;      // until all were answered
  double cpu_seconds;  // the server's
};

class Receiver {
 public:
  explicit Receiver(std::string yaml) : world_(std::move(yaml)) {}

  // Each of the requests once, with ids that were never sent.
  Cost take(std::vector<EventsRequest>& requests) {
    std::atomic<std::size_t> next{0};
    std::exception_ptr failure;
    std::atomic<bool> failed{false};
    std::atomic<double> clients{0};
    const auto send = [&] {
      try {
        Client client(serving_.port());
        for (std::size_t i; (i = next.fetch_add(1)) < requests.size();) {
          requests[i].send(client, world_.clock.now(), next_id_.fetch_add(requests[i].events()));
        }
      } catch (...) {
        if (!failed.exchange(true)) failure = std::current_exception();
      }
      clients += thread_cpu_seconds();
    };
    const double before = process_cpu_seconds();
    const double seconds = seconds_of([&] {
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < kConnections; ++i) threads.emplace_back(send);
    });
    if (failure) std::rethrow_exception(failure);
    const double cpu = process_cpu_seconds() - before - clients;
    double events = 0;
    for (const EventsRequest& request : requests) events += static_cast<double>(request.events());
    return {.seconds = seconds / events, .cpu_seconds = cpu / events};
  }

 private:
  World world_;
  Serving serving_{world_, Serving::Epochs::kByCase};
  std::atomic<std::uint64_t> next_id_{0};
};

std::vector<EventsRequest> requests_of(const Setting& setting, Route route, std::size_t size) {
  const std::size_t count = setting.quick ? 64 : 4'000;
  std::vector<EventsRequest> requests;
  for (const auto& batch : setting.events.batches) {
    for (std::size_t begin = 0; begin + size <= batch->size(); begin += size) {
      if (requests.size() == count) return requests;
      requests.emplace_back(
          *batch, EventsRequest::Form{
                      .route = route, .has_ids = true, .begin = begin, .end = begin + size});
    }
  }
  return requests;
}

// Of both topics, one without ids and one with.
struct Ingest {
  struct Requests {
    std::vector<EventsRequest> records, events;
  };
  Receiver plain{replaced(flagship_yaml(1), kIds, "")};
  Receiver deduplicating{flagship_yaml(1)};
  std::vector<Requests> requests;  // of each of kSizes
};

Body prepare_ingest(const Setting& setting) {
  use_all_cores();
  const auto ingest = std::make_shared<Ingest>();
  for (const std::size_t size : kSizes) {
    ingest->requests.push_back(
        {requests_of(setting, Route::kRecords, size), requests_of(setting, Route::kEvents, size)});
  }
  return [ingest] {
    std::vector<Sample> samples;
    for (Ingest::Requests& requests : ingest->requests) {
      for (Receiver* const to : {&ingest->plain, &ingest->deduplicating}) {
        const Cost records = ingest->plain.take(requests.records);
        const Cost events = to->take(requests.events);
        samples.push_back(
            {.amount = 1 / events.seconds, .ratio = records.seconds / events.seconds});
        samples.push_back({.amount = events.cpu_seconds * 1e9,
                           .ratio = events.cpu_seconds / records.cpu_seconds});
      }
    }
    return samples;
  };
}

}  // namespace

void add_ingest_cases(Cases& cases) {
  std::vector<Figure> figures;
  for (const std::size_t size : kSizes) {
    for (const std::string_view ids : {"", "/ids"}) {
      figures.push_back({fmt::format("/{}{}", size, ids), "events/s", "records"});
      figures.push_back({fmt::format("/{}{}/cpu", size, ids), "ns CPU", "records"});
    }
  }
  cases.push_back({.name = "ingest/events", .figures = figures, .prepare = prepare_ingest});
}

}  // namespace gameflow::bench
