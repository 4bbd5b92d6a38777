#include "base/time.h"

#include <array>
#include <charconv>
#include <chrono>
#include <ctime>
#include <limits>

#include <fmt/format.h>

namespace gameflow {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t ms;
};
constexpr std::array<Unit, 5> kUnits{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

}  // namespace

std::string format_timestamp(Timestamp time) {
  using namespace std::chrono;
  const sys_time<milliseconds> point{milliseconds{time.ms}};
  const auto day = floor<days>(point);
  const year_month_day date{day};
  const hh_mm_ss<milliseconds> clock{point - day};
  std::string text =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", int{date.year()}, unsigned{date.month()},
                  unsigned{date.day()}, clock.hours().count(), clock.minutes().count(),
                  clock.seconds().count());
  if (const auto fraction = clock.subseconds().count(); fraction != 0)
    text += fmt::format(".{:03}", fraction);
  return text += 'Z';
}

std::optional<Duration> parse_duration(std::string_view text) {
  std::int64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number < 0) return std::nullopt;
  const std::string_view suffix(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
  for (const Unit& unit : kUnits) {
    if (suffix != unit.name) continue;
    if (number > std::numeric_limits<std::int64_t>::max() / 4 / unit.ms) return std::nullopt;
    return Duration{number * unit.ms};
  }
  return std::nullopt;
}

std::string format_duration(Duration duration) {
  for (const Unit& unit : kUnits) {
    if (duration.ms != 0 && duration.ms % unit.ms == 0)
      return fmt::format("{}{}", duration.ms / unit.ms, unit.name);
  }
  return "0ms";
}

Timestamp SystemClock::now() const {
  using namespace std::chrono;
  return {duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count()};
}

Duration SystemClock::steady() const {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return {std::int64_t{time.tv_sec} * 1'000 + time.tv_nsec / 1'000'000};
}

}  // namespace gameflow
