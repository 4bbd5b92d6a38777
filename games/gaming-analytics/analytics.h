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
