#include "connect/progress.h"

#include <utility>

#include <boost/json.hpp>
#include <unistd.h>

namespace gameflow::connect {

namespace json = boost::json;

std::string_view to_string(State state) {
  constexpr std::string_view kNames[] = {"starting", "running", "retrying", "failed", "stopped"};
  return kNames[static_cast<std::size_t>(state)];
}

Progress::Progress(const spec::Connector& connector, const Clock& clock)
    : connector_(connector), clock_(clock), since_(clock.now()) {}

void Progress::set_state(State state, const std::string& error) {
  const MutexLock lock(mutex_);
  if (!error.empty()) {
    last_error_ = error;
    last_error_at_ = clock_.now();
  }
  if (state == state_) return;
  state_ = state;
  since_ = clock_.now();
  changed_.notify_all();
}

void Progress::add(const Counts& more) {
  const MutexLock lock(mutex_);
  counts_.records += more.records;
  counts_.bytes += more.bytes;
  counts_.rejected += more.rejected;
  counts_.retries += more.retries;
}

void Progress::set_lag(std::optional<std::uint64_t> lag) {
  const MutexLock lock(mutex_);
  lag_ = lag;
}

State Progress::state() const {
  const MutexLock lock(mutex_);
  return state_;
}

Counts Progress::counts() const {
  const MutexLock lock(mutex_);
  return counts_;
}

std::string Progress::json() const {
  json::array topics;
  for (const std::string& topic : connector_.topics) topics.push_back(json::string(topic));
  if (connector_.route) {
    for (const auto& [value, topic] : connector_.route->topics)
      topics.push_back(json::string(topic));
  }
  const MutexLock lock(mutex_);
  json::object report = {{"type", json::string(connector_.kind.type)},
                         {"direction", connector_.is_source() ? "source" : "sink"},
                         {"topics", std::move(topics)},
                         {"state", json::string(to_string(state_))},
                         {"since_ms", since_.ms},
                         {"records", counts_.records},
                         {"bytes", counts_.bytes},
                         {"rejected", counts_.rejected},
                         {"retries", counts_.retries},
                         {"lag", nullptr},
                         {"last_error", nullptr},
                         {"last_error_at_ms", nullptr},
                         {"pid", static_cast<std::int64_t>(::getpid())},
                         {"version", connector_.version}};
  if (lag_) report["lag"] = *lag_;
  if (!last_error_.empty()) {
    report["last_error"] = last_error_;
    report["last_error_at_ms"] = last_error_at_.ms;
  }
  return json::serialize(report);
}

void Progress::wait_for_change(std::chrono::milliseconds time, std::stop_token stop) {
  MutexLock lock(mutex_);
  changed_.wait_for(lock.native(), std::move(stop), time,
                    [this]() GF_REQUIRES(mutex_) { return state_ != seen_; });
  seen_ = state_;
}

}  // namespace gameflow::connect
