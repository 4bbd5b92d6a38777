// Time: event times, durations and the Clock through which the system's time comes in.
//
// Units    integer milliseconds; a Timestamp counts from the Unix epoch, UTC.
// Rule     nothing in the engine calls the system clock: it is handed a Clock.
#pragma once

#include <atomic>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gameflow {

struct Duration {
  std::int64_t ms = 0;
  friend constexpr auto operator<=>(Duration, Duration) = default;
  friend constexpr Duration operator+(Duration a, Duration b) { return {a.ms + b.ms}; }
  friend constexpr Duration operator-(Duration a, Duration b) { return {a.ms - b.ms}; }
};

struct Timestamp {
  std::int64_t ms = 0;
  friend constexpr auto operator<=>(Timestamp, Timestamp) = default;
  friend constexpr Timestamp operator+(Timestamp t, Duration d) { return {t.ms + d.ms}; }
  friend constexpr Timestamp operator-(Timestamp t, Duration d) { return {t.ms - d.ms}; }
  friend constexpr Duration operator-(Timestamp a, Timestamp b) { return {a.ms - b.ms}; }
};

// "2024-11-12T10:15:30.250Z"; without the fraction where it is zero.
std::string format_timestamp(Timestamp time);

// "250ms", "5s", "10m", "1h", "7d": one number, one unit. Nothing for anything else, or too large.
std::optional<Duration> parse_duration(std::string_view text);

// The shortest text that parse_duration reads back as `duration`.
std::string format_duration(Duration duration);

class Clock {
 public:
  virtual ~Clock() = default;
  // The time of day, as far as it is known: it may be set, also back.
  virtual Timestamp now() const = 0;
  // Time since some start, also while the machine sleeps. Never falls, whatever happens to now():
  // for how long something takes or lasts.
  virtual Duration steady() const = 0;
};

class SystemClock final : public Clock {
 public:
  Timestamp now() const override;
  Duration steady() const override;
};

// The fake: time stands still until a test moves it. Safe to move and read from different threads.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp start) : now_ms_(start.ms) {}
  Timestamp now() const override { return {now_ms_.load()}; }
  Duration steady() const override { return {steady_ms_.load()}; }
  // As somebody sets a clock: no time passes.
  void set(Timestamp time) { now_ms_.store(time.ms); }
  // Time passes.
  void advance(Duration by) {
    now_ms_.fetch_add(by.ms);
    steady_ms_.fetch_add(by.ms);
  }

 private:
  std::atomic<std::int64_t> now_ms_, steady_ms_{0};
};

}  // namespace gameflow
