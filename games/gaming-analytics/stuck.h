// Where to look first: the stuck score of a level on a map, 0 to 100, with its reason in words.
//
// It is by how much a share of the attempts is above what is usual, in per cent points; the
// greatest of
//   - attempts in which the session breaks off (lost), and those in which players quit, beside the
//   median of all places;
//   - attempts that are not completed, beside the median of the level's other maps;
//   - the level's attempts that are not completed (the median of its maps), beside the levels
//   before and after it. That may be
//     meant, so it counts half.
// Of a share the lower end of its interval counts (Wilson, 99 %): few attempts make a low score,
// not a high one. Medians, so that one bad place does not change what is usual. Places with fewer
// than 30 attempts are neither judged nor compared with.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

constexpr i64 kEnoughAttempts = 30;
constexpr f64 kLookHere = 20, kWorthALook = 8;  // from these scores on

struct Share {
  f64 of = 0;
  f64 attempts = 0;

  f64 value() const { return of / attempts; }
  // The bounds of Wilson's interval: in 99 of 100 cases what the share really is lies between them.
  f64 lower() const { return bound(-1); }
  f64 upper() const { return bound(1); }

 private:
  f64 bound(f64 sign) const {
    constexpr f64 z = 2.576;
    const f64 p = value(), n = attempts;
    const f64 middle = p + z * z / (2 * n);
    const f64 half = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    return std::clamp((middle + sign * half) / (1 + z * z / n), 0.0, 1.0);
  }
};

inline std::string percent(f64 share) {
  char text[16];
  std::snprintf(text, sizeof text, "%.0f %%", share * 100);
  return text;
}

inline Share not_completed(const LevelSummary& place) {
  return {f64(place.attempts - place.completed), f64(place.attempts)};
}

inline Share quit_in(const LevelSummary& place) {
  return {f64(place.quit), f64(place.attempts)};
}

inline Share lost_in(const LevelSummary& place) {
  return {f64(place.lost), f64(place.attempts)};
}

// A level: the median of its maps, known as well as from all of their attempts.
struct LevelShare {
  Text level_id;
  Share share;
};

// The shares of `places`, which stand level by level.
inline std::vector<LevelShare> levels_of(const std::vector<const LevelSummary*>& places) {
  std::vector<LevelShare> levels;
  for (std::size_t i = 0; i < places.size();) {
    std::vector<f64> maps;
    f64 attempts = 0;
    const Text& level_id = places[i]->level_id;
    for (; i < places.size() && places[i]->level_id == level_id; ++i) {
      maps.push_back(not_completed(*places[i]).value());
      attempts += f64(places[i]->attempts);
    }
    levels.push_back({level_id, {median_of(maps) * attempts, attempts}});
  }
  return levels;
}

// Judges places, which stand in the order of the levels, and puts those first where one should look
// first.
inline LevelSummaries rank_places(LevelSummaries places) {
  std::vector<const LevelSummary*> known;
  std::vector<f64> quit, lost;
  for (const LevelSummary& place : places) {
    if (place.attempts < kEnoughAttempts) continue;
    known.push_back(&place);
    quit.push_back(quit_in(place).value());
    lost.push_back(lost_in(place).value());
  }
  const std::vector<LevelShare> levels = levels_of(known);

  List<LevelSummary> ranked;
  ranked.reserve(places.size());
  for (const LevelSummary& as_it_is : places) {
    LevelSummary place = as_it_is;
    place.label = "not enough data";
    place.reason = "fewer than " + std::to_string(kEnoughAttempts) + " attempts";
    place.confidence = "low";
    if (place.attempts >= kEnoughAttempts) {
      place.stuck_score = 0.0;
      place.reason = "as usual";
      Share decisive = not_completed(place);
      const auto weigh = [&](const Share& share, f64 usual, f64 weight, const std::string& what,
                             const std::string& beside) {
        const f64 score = std::round(1000 * weight * (share.lower() - usual)) / 10;
        if (score <= *place.stuck_score) return;
        place.stuck_score = score;
        place.reason =
            what + percent(share.value()) + " of the attempts; " + beside + percent(usual);
        decisive = share;
      };
      weigh(lost_in(place), median_of(lost), 1, "sessions break off in ", "usual are ");
      weigh(quit_in(place), median_of(quit), 1, "players quit in ", "usual are ");

      std::vector<f64> maps, neighbours;
      for (const LevelSummary* other : known) {
        if (other->level_id == place.level_id && other->map_id != place.map_id)
          maps.push_back(not_completed(*other).value());
      }
      if (!maps.empty())
        weigh(not_completed(place), median_of(maps), 1, "players do not get through in ",
              "on the level's other maps in ");

      for (std::size_t i = 0; i < levels.size(); ++i) {
        if (levels[i].level_id != place.level_id) continue;
        if (i > 0) neighbours.push_back(levels[i - 1].share.value());
        if (i + 1 < levels.size()) neighbours.push_back(levels[i + 1].share.value());
        if (neighbours.empty()) continue;
        weigh(levels[i].share, median_of(neighbours), 0.5,
              "players do not get through the level, on any map, in ",
              "those before and after it in ");
      }
      place.label = *place.stuck_score >= kLookHere     ? "look here"
                    : *place.stuck_score >= kWorthALook ? "worth a look"
                                                        : "fine";
      const f64 width = decisive.upper() - decisive.lower();
      place.confidence = width <= 0.1 ? "high" : width <= 0.25 ? "medium" : "low";
    }
    ranked.push_back(place);
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const LevelSummary& a, const LevelSummary& b) {
    return a.stuck_score.value_or(-1) > b.stuck_score.value_or(-1);
  });
  return ranked;
}
