// How a connector is doing, as the server is told.
//
// Threads  any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/time.h"
#include "spec/connector.h"

namespace gameflow::connect {

enum class State : std::uint8_t { kStarting, kRunning, kRetrying, kFailed, kStopped };
std::string_view to_string(State state);

struct Counts {
  std::uint64_t records = 0, bytes = 0, rejected = 0, retries = 0;
};

class Progress {
 public:
  // Both outlive it.
  Progress(const spec::Connector& connector, const Clock& clock);

  void set_state(State state, const std::string& error = {});
  void add(const Counts& more);
  void set_lag(std::optional<std::uint64_t> lag);

  State state() const;
  Counts counts() const;
  // The body of a report.
  std::string json() const;
  // Returns when the state is another one than at the last call, after `time`, or at a stop.
  void wait_for_change(std::chrono::milliseconds time, std::stop_token stop);

 private:
  const spec::Connector& connector_;
  const Clock& clock_;
  mutable Mutex mutex_;
  std::condition_variable_any changed_;
  State state_ GF_GUARDED_BY(mutex_) = State::kStarting;
  State seen_ GF_GUARDED_BY(mutex_) = State::kStarting;
  Timestamp since_ GF_GUARDED_BY(mutex_);
  Counts counts_ GF_GUARDED_BY(mutex_);
  std::optional<std::uint64_t> lag_ GF_GUARDED_BY(mutex_);
  std::string last_error_ GF_GUARDED_BY(mutex_);
  Timestamp last_error_at_ GF_GUARDED_BY(mutex_);
};

}  // namespace gameflow::connect
