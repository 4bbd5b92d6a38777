#include "history.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "generate/game/game_feed.h"
#include "generate/game/world.h"
#include "generate/game/writer.h"

namespace gameflow::bench {
namespace {

using generate::EventKind;

constexpr Duration kMinute{60'000}, kHour{3'600'000};
constexpr std::int64_t kDayHours = 24;
constexpr std::int64_t kPlayedHours = 3;      // as long as panels read by the minute
constexpr Duration kSilence{2 * kMinute.ms};  // behind which nobody waits for more
constexpr Duration kShownPositions{2 * kHour.ms};
constexpr std::int64_t kFields = 25;  // of a map, in a row: as the flagship counts positions
constexpr std::int64_t kFieldSize = 40;
// Samples of servers would be most of so small a game's events; these are enough that none is
// missed.
constexpr Duration kMetricsEvery{20'000}, kReported{5 * kMinute.ms};
// An hour: accounts that buy so often at once, and purchases that are none.
constexpr std::int64_t kCases = 10, kBurst = 5, kLetters = 120;
// One in so many of the crowd takes its time. Not a divisor of the hours: they come in any of them.
constexpr std::int64_t kTimed = 5;

spec::Game game_of(const History::Size& size) {
  spec::Game game = *spec::parse_game(spec::default_game()).game;
  game.players = size.players;
  game.metrics_every = kMetricsEvery;
  return game;
}

std::string_view platform_of(std::int64_t number) {
  return generate::kPlatforms[static_cast<std::size_t>(number) % std::size(generate::kPlatforms)];
}

std::string_view version_of(std::int64_t number) {
  return generate::kClientVersions[static_cast<std::size_t>(number) %
                                   std::size(generate::kClientVersions)];
}

std::string amount_of(const spec::GamePrice& price) {
  return generate::amount_text(price.minor_units, price.currency);
}

}  // namespace

History::History(const Size& size)
    : size_(size),
      game_(game_of(size)),
      end_{SystemClock().now().ms / kHour.ms * kHour.ms},
      clock_(end_ - Duration{size.days * kDayHours * kHour.ms}),
      world_(flagship_yaml(), clock_),
      serving_(world_, Serving::Epochs::kByCase) {
  for (std::size_t kind = 0; kind < topics_.size(); ++kind)
    topics_[kind] = must(world_.store->topic(topic_of(static_cast<EventKind>(kind))));
}

void History::fill() {
  const double scale =
      static_cast<double>(size_.players) / spec::parse_game(spec::default_game()).game->players;
  std::optional<generate::GameFeed> game;
  for (std::int64_t hour = size_.days * kDayHours; hour > 0; --hour) {
    if (hour == kPlayedHours) {
      game.emplace(generate::GameOptions{
          .game = game_,
          .capacity_scale = scale,
          .from = clock_.now(),
          .kinds = {EventKind::kPlayer, EventKind::kPurchase, EventKind::kServer}});
    }
    live(game ? &*game : nullptr);
  }
  clock_.advance(kSilence);
  run_until_idle(serving_.engine());
}

void History::live(generate::Feed* game) {
  const Timestamp begin = clock_.now(), end = begin + kHour;
  const std::vector<Happening> crowd = crowd_of(begin);
  auto next = crowd.begin();
  const auto put_crowd = [&](Timestamp until) {
    for (; next != crowd.end() && next->at <= until; ++next)
      put(next->kind, next->at, next->key, next->json);
  };
  while (game != nullptr) {
    const auto events = game->next(end);
    if (events.empty()) break;
    for (const generate::FeedEvent& event : events) {
      if (event.is_corrupt) continue;  // a server would not take it
      put_crowd(event.at);
      put(event.kind, event.at, event.key, event.json);
    }
  }
  put_crowd(end);
  // Set, not advanced: while no time passes no partition is idle, so none is left behind.
  clock_.set(end);
  commit();
  run_until_idle(serving_.engine());
}

std::vector<History::Happening> History::crowd_of(Timestamp hour) const {
  std::vector<Happening> happenings;
  buy(hour, happenings);
  play(hour, happenings);
  come_back(hour, happenings);
  report(hour, happenings);
  if (end_ - hour <= kShownPositions) walk(hour, happenings);
  std::ranges::stable_sort(happenings, {}, &Happening::at);
  return happenings;
}

// Each item in each currency, on all platforms in turn. Some accounts buy as none does, which are
// cases of fraud, and some pay with what is no money, which goes to the dead letters.
void History::buy(Timestamp hour, std::vector<Happening>& out) const {
  const auto pay = [&](std::string_view who, std::int64_t number, std::string_view currency,
                       std::string_view amount, const spec::GameItem& item) {
    const Timestamp at = hour + Duration{number * 100};
    std::string id = fmt::format("crowd-{}", at.ms);
    std::string json = fmt::format(
        R"({{"event_name":"transaction","event_timestamp":"{}","parameters":{{)"
        R"("transaction_id":"{}","transaction_type":"purchase","currency":"{}","amount":{},)"
        R"("item_id":"{}","item_type":"{}"}},"user_data":{{"user_id":"{}","platform":"{}"}}}})",
        format_timestamp(at), id, currency, amount, item.name, item.type, who, platform_of(number));
    out.push_back({EventKind::kPurchase, at, std::move(id), std::move(json)});
  };
  std::int64_t number = 0;
  for (const spec::GameItem& item : game_.items) {
    for (const spec::GamePrice& price : item.prices) {
      ++number;
      pay(fmt::format("payer_{}", number), number, price.currency, amount_of(price), item);
    }
  }
  const spec::GameItem& item = game_.items.front();
  const spec::GamePrice& price = item.prices.front();
  const std::string amount = amount_of(price);
  for (std::int64_t purchase = 0; purchase < kCases * kBurst; ++purchase) {
    pay(fmt::format("cheat_{}_{}", hour.ms / kHour.ms, purchase / kBurst), ++number, price.currency,
        amount, item);
  }
  for (std::int64_t letter = 0; letter < kLetters; ++letter)
    pay("nobody", ++number, "none", amount, item);
}

// Whose turn it is in this hour completes all levels on all maps: most in passing, an event each,
// some each in a session of its own, and in a time that is usual for it.
void History::play(Timestamp hour, std::vector<Happening>& out) const {
  const std::int64_t hours = hour.ms / kHour.ms;
  for (std::int64_t player = hours % kDayHours; player < size_.crowd; player += kDayHours) {
    const std::string name = fmt::format("crowd_{}", player);
    for (std::int64_t place = 0; place < places(); ++place) {
      const Timestamp at = hour + Duration{place * 100};
      if (player % kTimed != 0) {
        out.push_back(say(name, hours, "level_complete", place, player, at));
        continue;
      }
      const std::int64_t session = hours * places() + place;
      const std::uint32_t usual = game_.levels[place_of(place).level].seconds;
      const Duration takes{usual * (600 + (player * 7'919 + session * 104'729) % 800)};
      out.push_back(say(name, session, "level_start", place, player, at));
      out.push_back(say(name, session, "level_complete", place, player, at + takes));
    }
  }
  // One is always there, so that each minute has its figures.
  for (std::int64_t minute = 0; minute < 60; ++minute)
    out.push_back(say("guard", hours, "heartbeat", 0, 0, hour + Duration{minute * kMinute.ms}));
}

// Once a day somebody new, who completes all levels, and all who have been new before.
void History::come_back(Timestamp hour, std::vector<Happening>& out) const {
  const std::int64_t hours = hour.ms / kHour.ms, day = hours / kDayHours;
  if (hours % kDayHours != 0) return;
  const std::int64_t first = (end_.ms - size_.days * kDayHours * kHour.ms) / kHour.ms / kDayHours;
  for (std::int64_t cohort = first; cohort <= day; ++cohort) {
    const std::string name = fmt::format("new_{}", cohort);
    for (std::int64_t place = 0; place < (cohort == day ? places() : 1); ++place)
      out.push_back(say(name, day, "level_complete", place, cohort, hour + Duration{place * 100}));
  }
}

// Servers tell how they are for some minutes.
void History::report(Timestamp hour, std::vector<Happening>& out) const {
  std::int64_t number = 0;
  for (const spec::GameRegion& region : game_.regions) {
    for (const std::string& server : region.servers) {
      ++number;
      for (Duration after{0}; after < kReported; after = after + kMetricsEvery) {
        const Timestamp at = hour + after;
        const std::int64_t chance = at.ms / kMetricsEvery.ms * 7'919 + number * 104'729;
        out.push_back(
            {EventKind::kServer, at, server,
             fmt::format(R"({{"event_name":"server_metric","event_timestamp":"{}","parameters":)"
                         R"({{"server_id":"{}","cpu_load":50,"memory_usage":60,"latency":{}}},)"
                         R"("server_data":{{"region":"{}","server_type":"dedicated"}}}})",
                         format_timestamp(at), server, 15 + chance % 97, region.name)});
      }
    }
  }
}

// A position in each field of each map.
void History::walk(Timestamp hour, std::vector<Happening>& out) const {
  for (std::int64_t field = 0; field < kFields * kFields * game_.maps; ++field) {
    const Timestamp at = hour + Duration{field};
    out.push_back(
        {EventKind::kPosition, at, "crowd",
         fmt::format(R"({{"player_id":"crowd","x":{},"y":{},"level_id":"{}",)"
                     R"("map_id":"map_{:02}","event_timestamp":"{}"}})",
                     field % kFields * kFieldSize, field / kFields % kFields * kFieldSize,
                     game_.levels[0].name, field / kFields / kFields + 1, format_timestamp(at))});
  }
}

std::int64_t History::places() const {
  return static_cast<std::int64_t>(game_.levels.size()) * game_.maps;
}

History::Place History::place_of(std::int64_t number) const {
  return {static_cast<std::size_t>(number / game_.maps), number % game_.maps + 1};
}

History::Happening History::say(std::string_view who, std::int64_t session, std::string_view what,
                                std::int64_t place, std::int64_t client, Timestamp at) const {
  const auto [level, map] = place_of(place);
  return {
      EventKind::kPlayer, at, std::string(who),
      fmt::format(R"({{"event_name":"player_action","event_timestamp":"{0}","parameters":{{)"
                  R"("player_id":"{1}","session_id":"{1}-{2}","event_type":"{3}","level_id":"{4}",)"
                  R"("map_id":"map_{5:02}"}},"user_data":{{"user_id":"{1}","platform":"{6}",)"
                  R"("client_version":"{7}"}}}})",
                  format_timestamp(at), who, session, what, game_.levels[level].name, map,
                  platform_of(client), version_of(client / std::ssize(generate::kPlatforms)))};
}

void History::put(EventKind kind, Timestamp at, std::string_view key, std::string_view json) {
  const auto number = static_cast<std::size_t>(kind);
  const std::uint32_t partitions = topics_[number].config.partitions;
  const auto partition =
      static_cast<std::uint32_t>(std::hash<std::string_view>{}(key) % partitions);
  std::vector<log::Append>& appends = pending_[number];
  appends.resize(partitions);
  if (!appends[partition].batch.fits(key.size() + json.size())) commit();
  appends.resize(partitions);
  appends[partition].batch.add(at, key, json);
  ++events_;
}

void History::commit() {
  log::Commit commit;
  for (std::size_t kind = 0; kind < pending_.size(); ++kind) {
    for (std::uint32_t partition = 0; partition < pending_[kind].size(); ++partition) {
      log::Append& append = pending_[kind][partition];
      if (append.batch.empty()) continue;
      append.topic = topics_[kind].id;
      append.partition = partition;
      commit.appends.push_back(std::move(append));
    }
    pending_[kind].clear();
  }
  if (!commit.appends.empty()) must(world_.store->commit(std::move(commit)));
}

}  // namespace gameflow::bench
