#include "connect/run.h"

#include <exception>
#include <utility>

#include "base/sleep.h"

namespace gameflow::connect {

Status run(Run run) {
  if (!run.pause) {
    run.pause = [](std::chrono::milliseconds time, const std::stop_token& stop) {
      sleep_unless_stopped(time, stop);
    };
  }
  if (!run.wait_for_records) {
    run.wait_for_records = [pause = run.pause](const std::stop_token& stop) {
      pause(std::chrono::milliseconds(100), stop);
    };
  }
  Status status = run.connector.is_source() ? run_source(run) : run_sink(run);
  if (status || (run.stop.stop_requested() && status.error().code == ErrorCode::kUnavailable)) {
    run.progress.set_state(State::kStopped);
    return {};
  }
  status.error().message = run.redact(std::move(status.error().message));
  run.progress.set_state(State::kFailed, status.error().message);
  return status;
}

}  // namespace gameflow::connect
