#include "generate/uniform_feed.h"

#include <algorithm>
#include <utility>

namespace gameflow::generate {
namespace {

constexpr std::size_t kEventsAtOnce = 1'000;

}  // namespace

UniformFeed::UniformFeed(UniformOptions options) : options_(std::move(options)) {
  for (const EventKind kind : options_.kinds) generators_.emplace_back(kind, options_.world);
}

Timestamp UniformFeed::time_of(std::uint64_t index) const {
  if (options_.clock != nullptr) return options_.clock->now();
  return options_.start + Duration{static_cast<std::int64_t>(index * 1000 / options_.rate)};
}

std::optional<Timestamp> UniformFeed::next_time() {
  if (options_.events && round_ >= *options_.events) return std::nullopt;
  return time_of(round_);
}

std::span<const FeedEvent> UniformFeed::next(Timestamp until) {
  struct Place {
    std::size_t begin, end, key, key_size;
  };
  std::vector<Place> places;
  text_.clear();
  events_.clear();
  while (events_.size() < kEventsAtOnce) {
    const auto time = next_time();
    if (!time || *time > until) break;
    for (std::size_t i = 0; i < generators_.size(); ++i) {
      const EventKind kind = options_.kinds[i];
      if (round_ < skipped_[static_cast<std::size_t>(kind)]) continue;
      const std::size_t begin = text_.size();
      const Generator::Part key = generators_[i].append(*time, text_);
      places.push_back({begin, text_.size() - 1, begin + key.begin, key.size});
      events_.push_back({.kind = kind, .at = *time});
    }
    ++round_;
  }
  // Only now does the text stay where it is.
  const std::string_view text = text_;
  for (std::size_t i = 0; i < events_.size(); ++i) {
    const Place& place = places[i];
    events_[i].json = text.substr(place.begin, place.end - place.begin);
    events_[i].key = text.substr(place.key, place.key_size);
  }
  return events_;
}

void UniformFeed::skip(const Counts& counts) {
  skipped_ = counts;
  std::uint64_t all = UINT64_MAX;
  for (std::size_t i = 0; i < generators_.size(); ++i) {
    const std::uint64_t count = counts[static_cast<std::size_t>(options_.kinds[i])];
    generators_[i].skip(count);
    all = std::min(all, count);
  }
  round_ = generators_.empty() ? 0 : all;
}

}  // namespace gameflow::generate
