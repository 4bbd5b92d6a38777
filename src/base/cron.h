// Times of a calendar as cron writes them: "0 8 * * mon-fri", eight o'clock on weekdays.
//
// Threads  immutable.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "base/time_zone.h"

namespace gameflow {

class Cron {
 public:
  // Minute, hour, day of the month, month and day of the week, each `*`, a number, a range, a list
  // of these, all with steps (`*/5`, `9-17/2`); months and weekdays also by name, Sunday is 0 or 7.
  // Where both days are said one of them is enough. Or `@hourly`, `@daily`, `@weekly`, `@monthly`,
  // `@yearly`. kInvalidArgument: the message says which part is wrong.
  static Result<Cron> parse(std::string_view text);

  // The first of its times behind `time`; nothing if it never comes. A local time that is left out
  // when clocks are put forward counts as the moment of that. One that comes twice counts once,
  // unless the hour is `*`.
  std::optional<Timestamp> next(Timestamp time, const TimeZone& zone) const;

 private:
  Cron() = default;
  bool has_day(std::int64_t day) const;
  std::optional<Timestamp> next_of_any_hour(Timestamp time, const TimeZone& zone) const;

  std::uint64_t minutes_ = 0;  // a bit each
  std::uint32_t hours_ = 0, days_ = 0, months_ = 0, weekdays_ = 0;
  bool is_any_day_ = false, is_any_weekday_ = false;
};

}  // namespace gameflow
