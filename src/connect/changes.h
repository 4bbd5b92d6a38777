// Waits until topics have new records: the server says so over a connection that stays open.
//
// Threads  one.
// Errors   none. Where the server does not answer, or something between here and there holds its
//          words back, waiting is a short pause.
#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "client/http_client.h"
#include "client/http_stream.h"

namespace gameflow::connect {

class Changes {
 public:
  Changes(client::ServerAddress server, const std::vector<std::string>& topics);
  Changes(const Changes&) = delete;
  Changes& operator=(const Changes&) = delete;

  // Returns when there may be something new since the last call, after two seconds, or soon after a
  // stop.
  void wait(const std::stop_token& stop);

 private:
  using SteadyClock = std::chrono::steady_clock;
  void open();

  const client::ServerAddress server_;
  std::string target_;
  std::unique_ptr<client::HttpStream> stream_;
  bool is_heard_ = false;  // it has said something
  SteadyClock::time_point open_at_;
  std::string text_;
};

}  // namespace gameflow::connect
