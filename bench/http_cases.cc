// Ingest over loopback: NDJSON requests, every record checked against the schema, answered once it
// is fsynced. The dataflow runs meanwhile, as it does in use.
#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include "api/api.h"
#include "http/server.h"
#include "report.h"
#include "runtime/engine.h"
#include "world.h"

namespace gameflow::bench {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;

constexpr std::size_t kConnections = 4;

// Whole requests, made before anything is measured: the client should cost as little as it can.
std::vector<std::string> make_requests(const Events& events) {
  std::vector<std::string> requests;
  for (const auto& batch : events.batches) {
    std::string body;
    for (std::size_t i = 0; i < batch->size(); ++i) {
      body += (*batch)[i].value;
      body += '\n';
    }
    requests.push_back(
        fmt::format("POST /topics/player-events/records?key-field=user_data.user_id "
                    "HTTP/1.1\r\nHost: localhost\r\n"
                    "Content-Type: application/x-ndjson\r\nContent-Length: {}\r\n\r\n{}",
                    body.size(), body));
  }
  return requests;
}

// Sends one request and takes its answer; throws unless all records were accepted.
void exchange(Tcp::socket& socket, const std::string& request, std::size_t records) {
  asio::write(socket, asio::buffer(request));
  std::string answer;
  const std::size_t head = asio::read_until(socket, asio::dynamic_buffer(answer), "\r\n\r\n");
  const std::size_t length_at = answer.find("Content-Length: ");
  if (length_at > head)
    throw std::runtime_error("ingest/http: an answer without a length: " + answer);
  const std::size_t size = std::stoul(answer.substr(length_at + 16));
  if (answer.size() < head + size) {
    asio::read(socket, asio::dynamic_buffer(answer),
               asio::transfer_exactly(head + size - answer.size()));
  }
  if (answer.find(fmt::format("\"accepted\":{},", records)) == std::string::npos) {
    throw std::runtime_error("ingest/http: " + answer);
  }
}

struct Running {
  World world;
  std::unique_ptr<runtime::Engine> engine;
  std::unique_ptr<api::Api> api;
  std::unique_ptr<http::Server> server;
  std::vector<std::string> requests;

  explicit Running(const Events& events) : requests(make_requests(events)) {
    engine = must(runtime::Engine::open(world.file.plan, world.library.functions, *world.store,
                                        {.clock = &world.clock}));
    api = std::make_unique<api::Api>(*world.store, engine.get(), world.clock);
    server = must(http::Server::listen(*api, {.port = 0}));
    engine->start();
    server->start();
  }
  ~Running() {
    server->stop();
    engine->stop();
  }
};

std::function<Run()> prepare_ingest(const Events& events) {
  use_all_cores();
  auto running = std::make_shared<Running>(events);
  return [running, &events] {
    std::atomic<std::size_t> next{0};
    const auto send = [&] {
      asio::io_context io;
      Tcp::socket socket(io);
      socket.connect({asio::ip::address_v4::loopback(), running->server->port()});
      socket.set_option(Tcp::no_delay(true));
      for (std::size_t i; (i = next.fetch_add(1)) < running->requests.size();) {
        exchange(socket, running->requests[i], events.batches[i]->size());
      }
    };
    const double seconds = seconds_of([&] {
      std::vector<std::jthread> clients;
      for (std::size_t i = 0; i < kConnections; ++i) clients.emplace_back(send);
    });
    return Run{events.count, events.json_bytes, seconds};
  };
}

}  // namespace

void add_http_cases(Cases& cases) {
  cases.push_back({.name = "ingest/http", .compare = true, .prepare = prepare_ingest});
}

}  // namespace gameflow::bench
