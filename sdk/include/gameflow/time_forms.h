// Times as other programs write them, beside those of time.h:
//
//   20241112T101530Z, 20241112 101530, 20241112101530, 20241112   ISO 8601 without separators
//   2024-11-12T10:15:30 UTC                                       also GMT and Z, behind a blank
//   2024-11-12T10:15:30+01:00[Europe/Berlin]                      the offset decides (RFC 9557)
//   1731406530, 1731406530.25, 1731406530250, 1731406530250000    seconds, ms, µs or ns since 1970
//   Tue, 12 Nov 2024 10:15:30 +0000                               RFC 2822, and HTTP dates
//
// Each but those since 1970 is written anew as time.h reads it.
#pragma once

#include <gameflow/types.h>

namespace gameflow::detail {

constexpr bool parse_iso_time(std::string_view text, i64* time_ms);

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

constexpr std::size_t count_digits(std::string_view text) {
  std::size_t count = 0;
  while (count < text.size() && is_digit(text[count])) ++count;
  return count;
}

// A text that is put together; what does not fit is no time.
struct IsoTime {
  char bytes[64] = {};
  std::size_t size = 0;

  constexpr bool add(std::string_view part) {
    if (part.size() > sizeof bytes - size) return false;
    for (const char c : part) bytes[size++] = c;
    return true;
  }
  constexpr bool parse(i64* time_ms) const { return parse_iso_time({bytes, size}, time_ms); }
};

// A zone's name says nothing that an offset before it does not say.
constexpr bool parse_zoned_time(std::string_view text, i64* time_ms) {
  const std::size_t bracket = text.find('[');
  if (bracket != std::string_view::npos) {
    const std::string_view name = text.substr(bracket + 1);
    if (name.size() < 2 || name.find(']') != name.size() - 1) return false;
    text = text.substr(0, bracket);
    // "Z", "+01", "+0100" or "+01:00": behind a time, not in its date.
    const bool has_offset = text.size() > 16 && (text.back() == 'Z' || text.back() == 'z' ||
                                                 text.find_last_of("+-") > 10);
    return has_offset && parse_iso_time(text, time_ms);
  }
  const std::size_t blank = text.rfind(' ');
  if (blank == std::string_view::npos) return false;
  const std::string_view zone = text.substr(blank + 1);
  IsoTime time;
  if (!time.add(text.substr(0, blank))) return false;
  const bool is_utc = zone == "UTC" || zone == "GMT" || zone == "Z";
  const bool is_offset = !zone.empty() && (zone[0] == '+' || zone[0] == '-');
  return (is_utc || is_offset) && time.add(is_utc ? "Z" : zone) && time.parse(time_ms);
}

constexpr bool parse_compact_time(std::string_view text, i64* time_ms) {
  const std::size_t digits = count_digits(text);
  if (digits != 8 && digits != 14) return false;
  IsoTime time;
  (void)(time.add(text.substr(0, 4)) && time.add("-") && time.add(text.substr(4, 2)) &&
         time.add("-") && time.add(text.substr(6, 2)));
  if (text.size() == 8) return time.parse(time_ms);
  const char between = text[8];
  std::string_view clock = text.substr(8);
  if (digits == 8) {
    if (between != 'T' && between != 't' && between != ' ') return false;
    clock.remove_prefix(1);
  }
  const std::size_t size = count_digits(clock);
  if (size != 4 && size != 6) return false;
  (void)(time.add("T") && time.add(clock.substr(0, 2)) && time.add(":") &&
         time.add(clock.substr(2, 2)));
  if (size == 6) (void)(time.add(":") && time.add(clock.substr(4, 2)));
  return time.add(clock.substr(size)) && time.parse(time_ms);
}

// Digits since 1970, of years 2000 to 2099: how many there are tells the unit, s, ms, µs or ns. A
// fraction only of seconds. What may be something else is refused: 2024111210 (an hour, or 2034),
// ticks of other clocks.
constexpr bool parse_epoch_time(std::string_view text, i64* time_ms) {
  constexpr std::size_t kSecondDigitsMin = 9, kSecondDigitsMax = 10;
  const std::size_t digits = count_digits(text);
  if (digits < kSecondDigitsMin || digits > 19) return false;
  const bool is_of_now = text.starts_with("19") || text.starts_with("20");
  if (digits == kSecondDigitsMax && is_of_now) {
    IsoTime hour;
    i64 ignored = 0;
    (void)(hour.add(text.substr(0, 10)) && hour.add("0000"));
    if (parse_compact_time({hour.bytes, hour.size}, &ignored)) return false;
  }
  u64 value = 0;
  for (const char c : text.substr(0, digits)) value = value * 10 + static_cast<u64>(c - '0');
  std::string_view fraction = text.substr(digits);
  if (digits <= kSecondDigitsMax) {
    value *= 1000;
    if (!fraction.empty()) {
      fraction.remove_prefix(1);
      const std::size_t size = count_digits(fraction);
      if (text[digits] != '.' || size == 0 || size > 9 || size != fraction.size()) return false;
      for (std::size_t i = 0, scale = 100; i < 3 && i < size; ++i, scale /= 10)
        value += static_cast<u64>(fraction[i] - '0') * scale;
    }
  } else if (!fraction.empty()) {
    return false;
  } else if (digits > 17) {
    value /= 1'000'000;
  } else if (digits > 14) {
    value /= 1000;
  }
  constexpr u64 kBegin = 946'684'800'000, kEnd = 4'102'444'800'000;  // 2000 and 2100
  if (value < kBegin || value >= kEnd) return false;
  *time_ms = static_cast<i64>(value);
  return true;
}

// The number of a month as two digits; empty: it is none.
constexpr std::string_view month_digits(std::string_view name) {
  constexpr std::string_view kNames = "JanFebMarAprMayJunJulAugSepOctNovDec";
  constexpr std::string_view kDigits = "010203040506070809101112";
  const std::size_t at = name.size() == 3 ? kNames.find(name) : std::string_view::npos;
  if (at == std::string_view::npos || at % 3 != 0) return {};
  return kDigits.substr(at / 3 * 2, 2);
}

constexpr bool parse_mail_time(std::string_view text, i64* time_ms) {
  const std::size_t comma = text.find(", ");
  if (comma != std::string_view::npos) {
    constexpr std::string_view kDays = "MonTueWedThuFriSatSun";
    const std::size_t at = kDays.find(text.substr(0, comma));
    if (comma != 3 || at == std::string_view::npos || at % 3 != 0) return false;
    text.remove_prefix(5);
  }
  const std::size_t day = count_digits(text);
  if (day == 0 || day > 2 || text.size() < day + 10 || text[day] != ' ') return false;
  const std::string_view month = month_digits(text.substr(day + 1, 3));
  if (month.empty() || text[day + 4] != ' ' || text[day + 9] != ' ') return false;
  IsoTime time;
  (void)(time.add(text.substr(day + 5, 4)) && time.add("-") && time.add(month) && time.add("-") &&
         time.add(day == 1 ? "0" : "") && time.add(text.substr(0, day)) && time.add("T"));
  return time.add(text.substr(day + 10)) && parse_zoned_time({time.bytes, time.size}, time_ms);
}

// Of a text that parse_iso_time refuses.
constexpr bool parse_other_time(std::string_view text, i64* time_ms) {
  if (text.size() < 8 || text.size() > 64) return false;
  return parse_zoned_time(text, time_ms) || parse_compact_time(text, time_ms) ||
         parse_epoch_time(text, time_ms) || parse_mail_time(text, time_ms);
}

}  // namespace gameflow::detail
