// A vehicle's row follows it.
#include <cmath>
#include <numbers>

// Meters between two places that are near each other, degrees.
f64 distance(f64 lat, f64 long_, f64 other_lat, f64 other_long) {
  constexpr f64 kMetersPerDegree = 111'195;
  const f64 north = (other_lat - lat) * kMetersPerDegree;
  const f64 east = (other_long - long_) * kMetersPerDegree * std::cos(lat * std::numbers::pi / 180);
  return std::hypot(north, east);
}

void keep_position(const Position& position) {
  auto& row = last_positions();
  const bool is_known = row.at.ms != 0;
  if (is_known && position.at < row.at) return;
  if (is_known) row.meters += distance(row.lat, row.long_, position.lat, position.long_);
  row.route = position.route;
  row.at = position.at;
  row.lat = position.lat;
  row.long_ = position.long_;
}
