// The least of an HTTP client: it should cost as little as it can beside a server that is measured.
//
// Threads  a Client belongs to one thread.
// Errors   std::exception, also for an answer that is not 200.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "base/time.h"
#include "record/batch.h"

namespace gameflow::bench {

std::string post_request(std::string_view path, std::string_view type, std::string_view body);

// A connection to this machine that is kept alive.
class Client {
 public:
  explicit Client(std::uint16_t port);

  // Sends a whole request; returns the body of the answer.
  std::string exchange(std::string_view request);

 private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::socket socket_;
};

// A POST of a batch of players' events as NDJSON. Made before anything is measured; sent often,
// each time with the time of then.
class EventsRequest {
 public:
  explicit EventsRequest(const record::Batch& batch);

  // Sends it with all its events happening at `now`; throws unless all were accepted.
  void send(Client& client, Timestamp now);

 private:
  std::string text_;
  std::vector<std::size_t> times_;  // where in text_ the events have theirs
};

}  // namespace gameflow::bench
