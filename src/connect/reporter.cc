#include "connect/reporter.h"

#include <chrono>
#include <stop_token>
#include <utility>

namespace gameflow::connect {

constexpr std::chrono::milliseconds kEvery{2'000};

Reporter::Reporter(std::unique_ptr<client::Http> http, std::string name, Progress& progress)
    : http_(std::move(http)),
      target_("/connectors/" + client::url_encode(name)),
      progress_(progress),
      thread_([this](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
          report();
          progress_.wait_for_change(kEvery, stop);
        }
        report();
      }) {}

Reporter::~Reporter() = default;

void Reporter::report() {
  (void)http_->request("PUT", target_, "application/json", progress_.json());
}

}  // namespace gameflow::connect
