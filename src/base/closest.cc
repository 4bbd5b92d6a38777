#include "base/closest.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace gameflow {
namespace {

// Edit distance of two words: insertions, deletions, replacements and swaps of neighbours.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  std::iota(last.begin(), last.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        now[j] = std::min(now[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, now);
  }
  return last[b.size()];
}

}  // namespace

std::string_view closest(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  // Longer words are nobody's slip of the pen, and would take long.
  if (word.size() > 100) return best;
  std::size_t best_distance = std::max<std::size_t>(word.size() / 3, 1) + 1;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > word.size() + best_distance) continue;
    const std::size_t differing = distance(word, candidate);
    if (differing < best_distance && differing < candidate.size()) {
      best_distance = differing;
      best = candidate;
    }
  }
  return best;
}

std::string or_closest(std::string_view word, std::span<const std::string_view> candidates) {
  const std::string_view meant = closest(word, candidates);
  return meant.empty() ? std::string() : fmt::format("; did you mean '{}'?", meant);
}

std::string closest_or_all(std::string_view word, std::span<const std::string_view> candidates,
                           std::string_view what) {
  const std::string_view meant = closest(word, candidates);
  return meant.empty() ? fmt::format("the {} are: {}", what, fmt::join(candidates, ", "))
                       : fmt::format("did you mean '{}'?", meant);
}

}  // namespace gameflow
