// ISO 8601 timestamps: "2024-11-12T10:15:30", with 0 to 9 fraction digits or without the seconds,
// and `Z`, an offset (`+02:00`, `+0200` or `+02`), or nothing (then UTC); or a date alone, which is
// its first moment in UTC. Times are integer milliseconds since the Unix epoch; finer fractions are
// cut off. What other programs write is read, too: time_forms.h.
#pragma once

#include <compare>

#include <gameflow/calendar.h>
#include <gameflow/time_forms.h>
#include <gameflow/types.h>

namespace gameflow {

namespace detail {

// How often parse_time(text, otherwise) has given the other time, on this thread.
inline thread_local u64 unread_times = 0;

// Bounds of years 1 to 9999, half-open.
inline constexpr i64 kTimeBegin = days_from_civil(1, 1, 1) * 86'400'000;
inline constexpr i64 kTimeEnd = days_from_civil(10000, 1, 1) * 86'400'000;

// Writes "2024-11-12T10:15:30Z", with ".250" where there are ms, and returns how long it is; 0 for
// a time outside of years 1 to 9999.
inline constexpr std::size_t kTimeBytesMax = 24;
constexpr std::size_t write_time(i64 time_ms, char* out) {
  if (time_ms < kTimeBegin || time_ms >= kTimeEnd) return 0;
  constexpr i64 kDay = 86'400'000;
  i64 days = time_ms / kDay, ms = time_ms % kDay;
  if (ms < 0) {
    --days;
    ms += kDay;
  }
  int year = 0, month = 0, day = 0;
  civil_from_days(days, year, month, day);
  char* at = out;
  const auto put = [&at](int value, int count, char behind) {
    for (int i = count; i-- > 0; value /= 10) at[i] = static_cast<char>('0' + value % 10);
    at[count] = behind;
    at += count + 1;
  };
  const int of_day = static_cast<int>(ms);
  put(year, 4, '-');
  put(month, 2, '-');
  put(day, 2, 'T');
  put(of_day / 3'600'000, 2, ':');
  put(of_day / 60'000 % 60, 2, ':');
  put(of_day / 1000 % 60, 2, of_day % 1000 == 0 ? 'Z' : '.');
  if (of_day % 1000 != 0) put(of_day % 1000, 3, 'Z');
  return static_cast<std::size_t>(at - out);
}

// How much of the text is a date, and a time of day where there is one: 10, 16 or 19 characters; 0
// where it does not begin with a date.
constexpr std::size_t read_civil(std::string_view text, Civil& civil) {
  const char* const at = text.data();
  if (text.size() >= 19 && read_usual(at, civil)) return 19;
  if (text.size() < 10 || !digits(at, 4, civil.year) || at[4] != '-' ||
      !digits(at + 5, 2, civil.month) || at[7] != '-' || !digits(at + 8, 2, civil.day)) {
    return 0;
  }
  if (text.size() == 10) return 10;
  if (text.size() < 16 || (at[10] != 'T' && at[10] != ' ' && at[10] != 't') ||
      !digits(at + 11, 2, civil.hour) || at[13] != ':' || !digits(at + 14, 2, civil.minute)) {
    return 0;
  }
  if (text.size() == 16 || at[16] != ':') return 16;
  return text.size() >= 19 && digits(at + 17, 2, civil.second) ? 19 : 0;
}

// A leap second (:60) is read as the last millisecond before it.
constexpr bool parse_iso_time(std::string_view text, i64* time_ms) {
  Civil civil;
  const std::size_t size = read_civil(text, civil);
  if (size == 0 || !civil.is_valid()) return false;
  const bool has_seconds = size == 19;
  const char* at = text.data() + size;
  const char* const end = text.data() + text.size();
  i64 fraction_ms = 0;
  if (has_seconds && at != end && (*at == '.' || *at == ',')) {
    ++at;
    int count = 0;
    i64 scale = 100;
    for (; at != end && *at >= '0' && *at <= '9'; ++at, ++count, scale /= 10)
      fraction_ms += (*at - '0') * scale;
    if (count == 0 || count > 9) return false;
  }
  if (civil.second == 60) {
    civil.second = 59;
    fraction_ms = 999;
  }
  i64 offset_minutes = 0;
  if (at != end && (*at == 'Z' || *at == 'z')) {
    ++at;
  } else if (at != end && (*at == '+' || *at == '-')) {
    const bool west = *at == '-';
    int offset_hour = 0, offset_minute = 0;
    if (end - at < 3 || !digits(at + 1, 2, offset_hour)) return false;
    const char* const minutes = end - at > 3 && at[3] == ':' ? at + 4 : at + 3;
    const bool has_minutes = end - at > 3;
    if (has_minutes && (end - minutes != 2 || !digits(minutes, 2, offset_minute))) return false;
    if (offset_hour > 23 || offset_minute > 59) return false;
    offset_minutes = offset_hour * 60 + offset_minute;
    if (west) offset_minutes = -offset_minutes;
    at = end;
  }
  if (at != end) return false;
  *time_ms = (civil.seconds() - offset_minutes * 60) * 1000 + fraction_ms;
  return true;
}

}  // namespace detail

// Reads `text` into `time_ms`. False, and nothing written, where it is not a timestamp of years 1
// to 9999. A template, so that the 0 of parse_time(text, 0) is never taken for a pointer.
template <class Integer, class = std::enable_if_t<std::is_same_v<Integer, i64>>>
constexpr bool parse_time(std::string_view text, Integer* time_ms) {
  return detail::parse_iso_time(text, time_ms) || detail::parse_other_time(text, time_ms);
}

// The time of `text`, or `otherwise` where it is not a timestamp, which is counted.
constexpr i64 parse_time(std::string_view text, i64 otherwise) {
  i64 time_ms = otherwise;
  if (!parse_time(text, &time_ms) && !std::is_constant_evaluated()) ++detail::unread_times;
  return time_ms;
}

// The time of `text`; throws std::invalid_argument where it is not a timestamp: the record goes to
// the dead letters.
inline i64 parse_time(std::string_view text) {
  i64 time_ms = 0;
  if (!parse_time(text, &time_ms))
    throw std::invalid_argument("not a timestamp: \"" + std::string(text) + "\"");
  return time_ms;
}

// Of its own namespace, as the engine has a Timestamp, too; generated code takes it out of it.
namespace sdk_types {

// A point in time. Whatever takes ms UTC takes it.
struct Timestamp {
  i64 ms = 0;  // since 1970, UTC

  constexpr operator i64() const { return ms; }  // NOLINT: implicit on purpose
  friend constexpr bool operator==(Timestamp a, Timestamp b) = default;
  friend constexpr auto operator<=>(Timestamp a, Timestamp b) = default;
};

// "2024-11-12T10:15:30.250Z"
inline Text to_text(Timestamp time) {
  char text[detail::kTimeBytesMax];
  const std::size_t size = detail::write_time(time.ms, text);
  if (size == 0)
    throw std::out_of_range("a time of " + std::to_string(time.ms) +
                            " ms is outside of years 1 to 9999");
  return std::string_view(text, size);
}

}  // namespace sdk_types

}  // namespace gameflow
