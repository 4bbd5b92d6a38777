// A connector's life, once more after each Retry: docs/design/connectors.md.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <gameflow/connect/connector.h>

#include "connect/backoff.h"
#include "connect/run.h"

namespace gameflow::connect {

// What a source or sink sees of the runner.
class RunHost final : public Host {
 public:
  explicit RunHost(Run& run) : run_(run) {}
  bool is_stopping() const override { return run_.stop.stop_requested(); }
  void tell(const std::string& line) override { run_.tell(run_.redact(line)); }

 private:
  Run& run_;
};

// A source or sink, which is closed whatever happens.
template <class Connector>
class Opened {
 public:
  explicit Opened(std::unique_ptr<Connector> connector) : connector_(std::move(connector)) {}
  ~Opened() { connector_->close(); }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  Connector& operator*() const { return *connector_; }
  Connector* operator->() const { return connector_.get(); }

 private:
  std::unique_ptr<Connector> connector_;
};

// Calls `live` until it returns: that is until a stop, or with what is final. It says when it is
// well, so that the next pause is short again.
inline Status attempt_until_stopped(
    Run& run, const std::function<Status(const std::function<void()>& is_well)>& live) {
  Backoff backoff(run.seed);
  std::string told;
  const auto is_well = [&] {
    if (!told.empty()) run.tell("going on");
    told.clear();
    backoff.reset();
    run.progress.set_state(State::kRunning);
  };
  while (true) {
    try {
      return live(is_well);
    } catch (const Retry& retry) {
      if (run.stop.stop_requested()) return {};
      const std::string message = run.redact(retry.what());
      const auto pause = backoff.next(retry.wait);
      run.progress.set_state(State::kRetrying, message);
      run.progress.add({.retries = 1});
      // Each reason once: reports have the rest.
      if (message != told) {
        run.tell(fmt::format("{}; trying again, next in {:.1f} s", message,
                             static_cast<double>(pause.count()) / 1000));
      }
      told = message;
      run.pause(pause, run.stop);
      if (run.stop.stop_requested()) return {};
    } catch (const std::exception& error) {
      return fail(ErrorCode::kInvalidArgument, error.what());
    }
  }
}

}  // namespace gameflow::connect
