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
  // The same in two steps: one request after the other, and then their answers in this order.
  void send(std::string_view request);
  std::string receive();

 private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::socket socket_;
  std::string received_;  // what follows the last answer
};

// A POST of players' events as NDJSON. Made before anything is measured; sent often, each time with
// the time of then.
class EventsRequest {
 public:
  enum class Route : std::uint8_t { kRecords, kEvents };
  struct Form {
    Route route =
        Route::kRecords;   // POST /topics/player-events/records or, with `sent_at`, /events
    bool has_ids = false;  // each event has an `event_id`
    std::size_t begin = 0, end = SIZE_MAX;  // which of the batch
  };

  EventsRequest(const record::Batch& batch, const Form& form);
  explicit EventsRequest(const record::Batch& batch) : EventsRequest(batch, Form{}) {}

  std::size_t events() const { return times_.size(); }
  // Sends it with all its events happening at `now`, with ids from `first_id` on; throws unless all
  // were accepted.
  void send(Client& client, Timestamp now, std::uint64_t first_id = 0);
  // The same in two steps.
  std::string_view written(Timestamp now, std::uint64_t first_id = 0);
  void check(std::string_view answer) const;

 private:
  void write(std::size_t at, std::string_view text);

  std::string text_;
  std::vector<std::size_t> times_, ids_;  // where in text_ the events have theirs
  std::size_t sent_at_ = 0;               // likewise; 0: nowhere
};

}  // namespace gameflow::bench
