// What several operators of dataflow.yaml share.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

// Why an amount of an event is no money, or nothing. A currency has to be in tables/currencies.csv;
// the amount is 0 to its `most`, with at most two digits more after the point than the currency
// has.
inline std::string what_is_wrong_with(f64 amount, const Text& code, const Currency* currency) {
  if (currency == nullptr)
    return "there is no currency '" + code.str() + "' in the table of currencies";
  char text[48];  // the shortest that reads back the same: what the client wrote
  std::to_chars_result end = std::to_chars(text, text + sizeof text, amount);
  const std::string is = std::string(text, end.ptr) + " " + code.str() + " is no amount of money: ";
  if (!(amount >= 0 && amount <= currency->most))
    return is + "it is not between 0 and " + std::to_string(std::llround(currency->most));
  end = std::to_chars(text, text + sizeof text, amount, std::chars_format::fixed);
  const i64 digits = std::min(currency->decimals + 2, 5);
  if (end.ec != std::errc() || end.ptr - std::find(text, end.ptr, '.') > digits + 1)
    return is + "it has more than " + std::to_string(digits) + " digits after the point";
  return "";
}

// Exactly what the event says.
inline Money money_of(f64 amount, const Text& code, const Currency* currency) {
  const std::string wrong = what_is_wrong_with(amount, code, currency);
  if (!wrong.empty()) throw std::runtime_error(wrong);
  return Money::from_units(std::llround(amount * 100'000));
}

// Nothing: it cannot be read.
inline Optional<Timestamp> time_in(const Text& text) {
  i64 ms = 0;
  return parse_time(text, &ms) ? Optional<Timestamp>(Timestamp{ms}) : Optional<Timestamp>();
}

inline Timestamp known_time(const Optional<Timestamp>& at) {
  if (!at) throw std::runtime_error("a time that cannot be read");
  return *at;
}

// Longer ids name nothing: something has gone wrong where they come from.
inline bool is_named(const Text& id) {
  return id.size() <= 200;
}

// "level_02/map_03"
inline Text place_of(const Text& level_id, const Text& map_id) {
  return level_id + "/" + map_id;
}

// Where the field of a map begins that a coordinate lies in: of 25 by 25, what is outside of 0 to
// 1000 in those at its edge.
inline i32 field_of(f64 coordinate) {
  constexpr f64 kFields = 25, kSize = 40;
  return static_cast<i32>(std::clamp(std::floor(coordinate / kSize), 0.0, kFields - 1) * kSize);
}

constexpr i64 kMinute = 60'000;
constexpr i64 kHour = 60 * kMinute;
constexpr i64 kDay = 24 * kHour;

// A time by which something can have been played: not before the game was there (2020), and not
// after its event arrived, but for what clocks differ by.
inline bool is_possible(i64 event_time, i64 record_time) {
  constexpr i64 kFirst = 1'577'836'800'000;
  return event_time >= kFirst && event_time <= record_time + 5 * kMinute;
}

inline i64 possible_time(i64 event_time, i64 record_time) {
  if (!is_possible(event_time, record_time))
    throw std::runtime_error("a wrong clock: " + to_text(Timestamp{event_time}).str());
  return event_time;
}

// Figures are kept by "minute", "hour" and day (UTC). The beginning of the one that a time is in,
// and how its row's key begins: "2024-11-12T10:15", "2024-11-12T10", "2024-11-12".
inline Timestamp period_start(const Text& period, Timestamp at) {
  const i64 ms = period == "minute" ? kMinute : period == "hour" ? kHour : kDay;
  return Timestamp{at.ms / ms * ms};
}

inline Text period_text(const Text& period, Timestamp at) {
  return to_text(at).substr(0, period == "minute" ? 16 : period == "hour" ? 13 : 10);
}

// Of a list that is not empty.
inline f64 median_of(std::vector<f64> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}
