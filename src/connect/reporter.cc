#include "connect/reporter.h"

#include <chrono>
#include <stop_token>
#include <utility>

#include <fmt/format.h>

#include "base/url_encode.h"

namespace gameflow::connect {

constexpr std::chrono::milliseconds kEvery{2'000};

Reporter::Reporter(std::unique_ptr<client::Http> http, const std::string& name, Progress& progress,
                   std::function<void(const std::string&)> tell)
    : http_(std::move(http)),
      target_("/connectors/" + url_encode(name)),
      progress_(progress),
      tell_(std::move(tell)),
      thread_([this](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
          report();
          progress_.wait_for_change(kEvery, stop);
        }
        report();
      }) {}

Reporter::~Reporter() = default;

void Reporter::report() {
  const auto reply =
      client::expect_success(http_->request("PUT", target_, "application/json", progress_.json()));
  if (reply.has_value() != fails_) return;
  fails_ = !fails_;
  tell_(fails_ ? fmt::format("gameflow does not hear how it is doing: {}; trying again every {} s",
                             reply.error().message, kEvery.count() / 1000)
               : "gameflow hears again how it is doing");
}

}  // namespace gameflow::connect
