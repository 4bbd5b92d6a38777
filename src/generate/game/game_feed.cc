#include "generate/game/game_feed.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace gameflow::generate {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kEventsAtOnce = 16'384, kEventsOfText = 2'048;
// With fewer players online other threads would cost more than they do.
constexpr std::size_t kManyOnline = 2'000;
// So many steps without an event that somebody wants are enough for one call.
constexpr int kStepsAtOnce = 20'000;

}  // namespace

void one_by_one(std::size_t count, const std::function<void(std::size_t)>& body) {
  for (std::size_t i = 0; i < count; ++i) body(i);
}

GameFeed::GameFeed(GameOptions options)
    : options_(std::move(options)),
      world_(options_.game, options_.capacity_scale, options_.from),
      writer_(world_),
      random_(world_.hash(0x70000000000U)),
      groups_(kGroups),
      metrics_counters_(world_),
      time_(world_.begin()),
      until_(options_.lasts ? (options_.from + *options_.lasts).ms : kNever),
      texts_(kEventsAtOnce / kEventsOfText) {
  for (const EventKind kind : options_.kinds) wanted_[static_cast<std::size_t>(kind)] = true;
  options_.for_each(kGroups, [this](std::size_t i) {
    groups_[i] = std::make_unique<Group>(world_, static_cast<std::uint32_t>(i));
  });
  while (time_ < world_.from()) play_step();
}

std::optional<Timestamp> GameFeed::next_time() {
  if (fill(kNever)) return Timestamp{ordered_[given_]->at};
  if (has_ended()) return std::nullopt;
  return Timestamp{time_};
}

bool GameFeed::has_ended() const {
  if (given_ < ordered_.size()) return false;
  if (time_ >= until_) return true;
  if (!options_.events) return false;
  for (std::size_t kind = 0; kind < kEventKinds; ++kind) {
    if (wanted_[kind] && kept_[kind] < *options_.events) return false;
  }
  return true;
}

bool GameFeed::fill(std::int64_t until) {
  for (int steps = 0; given_ == ordered_.size(); ++steps) {
    if (time_ > until || steps == kStepsAtOnce || has_ended()) return false;
    play_step();
    put_in_order();
  }
  return true;
}

std::span<const FeedEvent> GameFeed::next(Timestamp until) {
  events_.clear();
  if (!fill(until.ms)) return events_;
  std::size_t count = 0;
  while (count < kEventsAtOnce && given_ + count < ordered_.size() &&
         ordered_[given_ + count]->at <= until.ms)
    ++count;
  events_.resize(count);
  const auto write = [this, count](std::size_t text) {
    const std::size_t begin = text * kEventsOfText, end = std::min(count, begin + kEventsOfText);
    std::string& out = texts_[text];
    out.resize(std::max(out.size(), (end - begin) * Writer::kEventBytesMax));
    char* cursor = out.data();
    for (std::size_t i = begin; i < end; ++i)
      events_[i] = writer_.write(*ordered_[given_ + i], cursor);
  };
  const std::size_t texts = (count + kEventsOfText - 1) / kEventsOfText;
  if (texts > 1) {
    options_.for_each(texts, write);
  } else if (texts == 1) {
    write(0);
  }
  given_ += count;
  return events_;
}

void GameFeed::play_step() {
  std::size_t online = 0;
  std::vector<std::uint32_t> populations(world_.servers().size());
  for (const auto& group : groups_) {
    online += group->online();
    for (std::size_t i = 0; i < populations.size(); ++i) populations[i] += group->populations()[i];
  }
  world_.move_to(time_, populations);
  if (time_ + world_.step_ms() > world_.from()) begin_anomalies();
  const auto play = [this](std::size_t i) { groups_[i]->play(time_); };
  if (online >= kManyOnline) {
    options_.for_each(kGroups, play);
  } else {
    one_by_one(kGroups, play);
  }
  metrics_.clear();
  world_.append_metrics(time_, metrics_);
  for (const Event& event : metrics_) metrics_counters_.count(event);
  time_ += world_.step_ms();
}

void GameFeed::put_in_order() {
  std::vector<std::span<const Event>> all;
  std::array<std::uint64_t, kEventKinds> counts{};
  for (const auto& group : groups_) all.push_back(group->arrived());
  all.push_back(metrics_);
  ordered_.clear();
  given_ = 0;
  // Nobody wants a step that has been skipped; its order does not matter then.
  for (const auto& events : all) {
    for (const Event& event : events) ++counts[static_cast<std::size_t>(event.kind)];
  }
  bool is_skipped = true;
  for (std::size_t kind = 0; kind < kEventKinds; ++kind)
    is_skipped = is_skipped && (!wanted_[kind] || kept_[kind] + counts[kind] <= skip_[kind]);
  if (is_skipped) {
    for (std::size_t kind = 0; kind < kEventKinds; ++kind) kept_[kind] += counts[kind];
    return;
  }
  // Sorted by counting: where the events of each millisecond begin.
  const std::int64_t begin = time_ - world_.step_ms();
  std::vector<std::uint32_t> places(static_cast<std::size_t>(world_.step_ms()) + 1);
  const auto place = [begin](const Event& event) {
    return static_cast<std::size_t>(event.at - begin);
  };
  for (const auto& events : all) {
    for (const Event& event : events) ++places[place(event) + 1];
  }
  for (std::size_t i = 1; i < places.size(); ++i) places[i] += places[i - 1];
  std::vector<const Event*> sorted(places.back());
  for (const auto& events : all) {
    for (const Event& event : events) sorted[places[place(event)]++] = &event;
  }
  for (const Event* event : sorted) {
    const auto kind = static_cast<std::size_t>(event->kind);
    if (!wanted_[kind] || (options_.events && kept_[kind] >= *options_.events)) continue;
    if (kept_[kind]++ >= skip_[kind]) ordered_.push_back(event);
  }
}

std::string GameFeed::truth() const {
  Counters counters(world_);
  for (const auto& group : groups_) counters.add(group->counters());
  for (std::size_t kind = 0; kind < kEventKinds; ++kind)
    counters.events[kind] += metrics_counters_.events[kind];
  const bool is_complete = options_.lasts && time_ >= (options_.from + *options_.lasts).ms;
  return truth_json(world_, counters, occurrences_, time_, is_complete);
}

}  // namespace gameflow::generate
