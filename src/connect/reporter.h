// Tells the server every two seconds, and when the state changes, how a connector is doing.
//
// Threads  one of its own, so that a connector that hangs is seen to.
// Errors   a report that does not arrive is followed by the next one; told when that begins, and
//          when it is over.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "client/http_client.h"
#include "connect/progress.h"

namespace gameflow::connect {

class Reporter {
 public:
  // `progress` outlives it. The last report goes out when this is destroyed.
  // `tell`: a line for a person, on that thread.
  Reporter(std::unique_ptr<client::Http> http, const std::string& name, Progress& progress,
           std::function<void(const std::string&)> tell);
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;
  ~Reporter();

 private:
  void report();

  const std::unique_ptr<client::Http> http_;
  const std::string target_;
  Progress& progress_;
  const std::function<void(const std::string&)> tell_;
  bool fails_ = false;
  std::jthread thread_;
};

}  // namespace gameflow::connect
