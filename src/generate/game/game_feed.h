// The simulated game as a feed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "generate/feed.h"
#include "generate/game/group.h"
#include "generate/game/truth.h"
#include "generate/game/world.h"
#include "generate/game/writer.h"
#include "spec/game.h"

namespace gameflow::generate {

// Calls body(i) for each i below `count`, perhaps several at once, and returns when all have.
using ForEach =
    std::function<void(std::size_t count, const std::function<void(std::size_t)>& body)>;
void one_by_one(std::size_t count, const std::function<void(std::size_t)>& body);

struct GameOptions {
  spec::Game game;
  double capacity_scale = 1;
  Timestamp from;
  std::optional<Duration> lasts;        // nothing: no end
  std::vector<EventKind> kinds;         // which are given out; all happen
  std::optional<std::uint64_t> events;  // of each kind; nothing: no end
  ForEach for_each = one_by_one;
};

class GameFeed final : public Feed {
 public:
  explicit GameFeed(GameOptions options);

  std::span<const FeedEvent> next(Timestamp until) override;
  std::optional<Timestamp> next_time() override;
  void skip(const Counts& counts) override { skip_ = counts; }

  std::uint64_t seed() const { return options_.game.seed; }
  // Of all events up to the end of the step at hand, which other calls of next() give out.
  std::string truth() const;
  // Gives out what is left of the step at hand, and nothing more.
  void end_with_step() { until_ = time_; }

 private:
  bool has_ended() const;
  // Plays steps until there is something to give out; false: there is nothing more, not before
  // `until`, or not for long.
  bool fill(std::int64_t until);
  void play_step();
  void begin_anomalies();
  void buy_in_burst(const char* kind, const spec::GameTimes& times, std::uint32_t players,
                    std::uint32_t purchases, bool is_one_address);
  void test_cards();
  void abuse_refunds();
  void hack_speed();
  void tamper_with_prices();
  void hop_currencies();
  void farm_device();
  void take_over_account();
  void add_deals(const std::vector<Deal>& deals);
  std::uint32_t draw_player();
  Occurrence* begins(const char* kind, const spec::GameTimes& times);
  // The events of the step in order of time, without those that nobody wants.
  void put_in_order();

  GameOptions options_;
  World world_;
  Writer writer_;
  Random random_;  // of anomalies
  std::vector<std::unique_ptr<Group>> groups_;
  std::vector<Event> metrics_;
  Counters metrics_counters_;
  std::vector<Occurrence> occurrences_;
  std::int64_t time_;   // the end of the step at hand
  std::int64_t until_;  // of the feed
  std::vector<const Event*> ordered_;
  std::size_t given_ = 0;  // of ordered_
  Counts skip_{}, kept_{};
  std::array<bool, kEventKinds> wanted_{};
  std::vector<std::string> texts_;
  std::vector<FeedEvent> events_;
};

}  // namespace gameflow::generate
