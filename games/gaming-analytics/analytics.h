// What several operators of dataflow.yaml share.
#pragma once

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

// Events carry amounts as JSON numbers, up to three digits after the point in any currency.
using Money = Decimal<3>;

inline Money money_of(f64 amount) {
  if (!(std::abs(amount) < 1e12))
    throw std::runtime_error("no amount of money: " + std::to_string(amount));
  return Money::from_units(std::llround(amount * 1000));
}

// Nothing: it cannot be read.
inline Optional<Timestamp> time_in(const Text& text) {
  constexpr i64 kNone = INT64_MIN;
  const i64 ms = parse_time(text, kNone);
  return ms == kNone ? Optional<Timestamp>() : Optional<Timestamp>(Timestamp{ms});
}

// Longer ids name nothing: something has gone wrong where they come from.
inline bool is_named(const Text& id) {
  return id.size() <= 200;
}

// "level_02/map_03"
inline Text place_of(const Text& level_id, const Text& map_id) {
  return level_id + "/" + map_id;
}

constexpr i64 kMinute = 60'000;
constexpr i64 kHour = 60 * kMinute;
constexpr i64 kDay = 24 * kHour;

// A time by which something can have been played: not before the game was there (2020), and not
// after its event arrived, but for what clocks differ by.
inline i64 possible_time(i64 event_time, i64 record_time) {
  constexpr i64 kFirst = 1'577'836'800'000;
  if (event_time < kFirst || event_time > record_time + 5 * kMinute)
    throw std::runtime_error("a wrong clock: " + to_text(Timestamp{event_time}).str());
  return event_time;
}
