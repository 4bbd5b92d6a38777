#include "base/cron.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace gameflow {
namespace {

constexpr std::int64_t kMinute = 60'000, kHour = 60 * kMinute, kDay = 24 * kHour;
// Behind so many days without one there is none: the 29th of February on a certain weekday comes
// again within 40 years.
constexpr std::int64_t kDaysMax = 41 * 366;
constexpr std::uint32_t kEveryHour = (1U << 24) - 1;

struct Part {
  std::string_view name;
  int min, max;
  std::array<std::string_view, 12> words;  // of min, min + 1, …
};
constexpr Part kParts[] = {
    {"minute", 0, 59, {}},
    {"hour", 0, 23, {}},
    {"day of the month", 1, 31, {}},
    {"month",
     1,
     12,
     {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
    {"day of the week", 0, 7, {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
};

struct Macro {
  std::string_view name, text;
};
constexpr Macro kMacros[] = {{"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},
                             {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
                             {"@monthly", "0 0 1 * *"},  {"@yearly", "0 0 1 1 *"},
                             {"@annually", "0 0 1 1 *"}};

std::vector<std::string_view> split(std::string_view text, std::string_view at) {
  std::vector<std::string_view> parts;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find_first_of(at, start), text.size());
    parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

std::optional<int> number_of(std::string_view text, const Part& part) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size()) {
    const bool is_in_range = value >= part.min && value <= part.max;
    return is_in_range ? std::optional(value) : std::nullopt;
  }
  const auto is_same = [text](std::string_view word) {
    return !word.empty() && std::ranges::equal(text, word, [](char a, char b) {
      return (static_cast<unsigned char>(a) | 0x20U) == static_cast<unsigned char>(b);
    });
  };
  const auto word = std::ranges::find_if(part.words, is_same);
  if (word == part.words.end()) return std::nullopt;
  return part.min + static_cast<int>(word - part.words.begin());
}

// `*`, `5`, `1-5`, each perhaps with `/2`.
bool add_item(std::string_view item, const Part& part, std::uint64_t& bits) {
  const auto with_step = split(item, "/");
  int step = 1;
  if (with_step.size() > 2) return false;
  if (with_step.size() == 2) {
    const std::string_view text = with_step[1];
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), step);
    if (error != std::errc{} || end != text.data() + text.size() || step < 1 ||
        step > part.max - part.min)
      return false;
  }
  int first = part.min, last = part.max;
  if (with_step[0] != "*" && with_step[0] != "?") {
    const auto range = split(with_step[0], "-");
    const auto from = number_of(range[0], part);
    if (!from || range.size() > 2) return false;
    first = *from;
    const auto to = range.size() == 2 ? number_of(range[1], part) : std::nullopt;
    if (range.size() == 2 && !to) return false;
    if (range.size() == 1 && with_step.size() == 1) last = first;  // `5/10` is `5-max/10`
    if (to) last = *to;
    if (last < first) return false;
  }
  for (int value = first; value <= last; value += step) bits |= std::uint64_t{1} << value;
  return true;
}

Result<std::uint64_t> bits_of(std::string_view text, const Part& part) {
  std::uint64_t bits = 0;
  for (const std::string_view item : split(text, ",")) {
    if (add_item(item, part, bits)) continue;
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format(
            "'{}' is no {}: it is {} to {}{}, '*', a range or a list", text, part.name, part.min,
            part.max,
            part.words[0].empty() ? "" : fmt::format(", a name such as '{}'", part.words[0])));
  }
  return bits;
}

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

}  // namespace

Result<Cron> Cron::parse(std::string_view text) {
  for (const Macro& macro : kMacros) {
    if (text == macro.name) text = macro.text;
  }
  std::vector<std::string_view> parts = split(text, " \t");
  std::erase(parts, std::string_view());
  if (parts.size() != std::size(kParts)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a cron has 5 parts, this has {}: minute, hour, day of the month, "
                            "month and day of the week",
                            parts.size()));
  }
  std::array<std::uint64_t, std::size(kParts)> bits{};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    GF_ASSIGN(bits[i], bits_of(parts[i], kParts[i]));
  }
  Cron cron;
  cron.minutes_ = bits[0];
  cron.hours_ = static_cast<std::uint32_t>(bits[1]);
  cron.days_ = static_cast<std::uint32_t>(bits[2]);
  cron.months_ = static_cast<std::uint32_t>(bits[3]);
  cron.weekdays_ = static_cast<std::uint32_t>(bits[4] | bits[4] >> 7);
  cron.is_any_day_ = parts[2].starts_with('*') || parts[2].starts_with('?');
  cron.is_any_weekday_ = parts[4].starts_with('*') || parts[4].starts_with('?');
  return cron;
}

// A day, counted from 1970.
bool Cron::has_day(std::int64_t day) const {
  using namespace std::chrono;
  const sys_days date{days{day}};
  const year_month_day of_year(date);
  if ((months_ >> static_cast<unsigned>(of_year.month()) & 1) == 0) return false;
  const bool is_day = (days_ >> static_cast<unsigned>(of_year.day()) & 1) != 0;
  const bool is_weekday = (weekdays_ >> weekday(date).c_encoding() & 1) != 0;
  return is_any_day_ || is_any_weekday_ ? is_day && is_weekday : is_day || is_weekday;
}

std::optional<Timestamp> Cron::next(Timestamp time, const TimeZone& zone) const {
  if (hours_ == kEveryHour) return next_of_any_hour(time, zone);
  // Clocks may have been put back a little ago.
  const std::int64_t today = floor_div(time.ms + zone.offset_at(time).ms, kDay);
  for (std::int64_t day = today - 1; day < today + kDaysMax; ++day) {
    if (!has_day(day)) continue;
    for (int hour = 0; hour < 24; ++hour) {
      if ((hours_ >> hour & 1) == 0) continue;
      for (int minute = 0; minute < 60; ++minute) {
        if ((minutes_ >> minute & 1) == 0) continue;
        const Timestamp at = zone.first_at({day * kDay + hour * kHour + minute * kMinute});
        if (at > time) return at;
      }
    }
  }
  return std::nullopt;
}

// Minute after minute, as the local clock shows them.
std::optional<Timestamp> Cron::next_of_any_hour(Timestamp time, const TimeZone& zone) const {
  Timestamp at{(floor_div(time.ms, kMinute) + 1) * kMinute};
  const Timestamp last = at + Duration{kDaysMax * kDay};
  while (at < last) {
    const std::int64_t local = at.ms + zone.offset_at(at).ms;
    const std::int64_t day = floor_div(local, kDay);
    if (!has_day(day)) {
      at = std::max(zone.first_at({(day + 1) * kDay}), at + Duration{kMinute});
      continue;
    }
    const std::int64_t minute = floor_div(local - day * kDay, kMinute) % 60;
    if ((minutes_ >> minute & 1) != 0) return at;
    at = at + Duration{kMinute};
  }
  return std::nullopt;
}

}  // namespace gameflow
