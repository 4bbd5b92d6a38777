// What players do who are up to no good, planned when an anomaly begins: purchases, and levels that
// take them no time.
#include <algorithm>

#include "generate/game/game_feed.h"
#include "spec/game.h"

namespace gameflow::generate {
namespace {

constexpr std::int64_t kMinute = 60'000;

// The items by price: from the cheapest to the dearest.
std::vector<std::uint8_t> items_by_price(const spec::Game& game) {
  std::vector<std::uint8_t> items(game.items.size());
  for (std::size_t i = 0; i < items.size(); ++i) items[i] = static_cast<std::uint8_t>(i);
  std::ranges::stable_sort(
      items, {}, [&](std::uint8_t item) { return game.items[item].prices.front().minor_units; });
  return items;
}

}  // namespace

// The record of an anomaly that begins within the step at hand; else null.
Occurrence* GameFeed::begins(const char* kind, const spec::GameTimes& times) {
  const auto begin = world_.begin_of(times, time_ + world_.step_ms() - 1);
  if (!begin || *begin < time_) return nullptr;
  const std::int64_t until = times.lasts ? *begin + times.lasts->ms : until_;
  occurrences_.push_back({.kind = kind, .from = *begin, .until = std::min(until, until_)});
  return &occurrences_.back();
}

void GameFeed::begin_anomalies() {
  const spec::GameAnomalies& anomalies = options_.game.anomalies;
  if (anomalies.hard_level) begins("hard-level", anomalies.hard_level->times);
  if (anomalies.crashing_level) begins("crashing-level", anomalies.crashing_level->times);
  if (anomalies.degrading_server) begins("degrading-server", anomalies.degrading_server->times);
  if (anomalies.region_outage) begins("region-outage", anomalies.region_outage->times);
  if (const auto& burst = anomalies.burst_account)
    buy_in_burst("burst-account", burst->times, 1, burst->purchases, false);
  if (const auto& burst = anomalies.burst_address)
    buy_in_burst("burst-address", burst->times, burst->players, burst->purchases, true);
  if (anomalies.card_testers) test_cards();
  if (anomalies.refund_abuser) abuse_refunds();
  if (anomalies.speed_hackers) hack_speed();
}

std::uint32_t GameFeed::draw_player() {
  return random_.below(options_.game.players);
}

void GameFeed::add_deals(const std::vector<Deal>& deals) {
  for (const Deal& deal : deals) {
    if (deal.time < until_) groups_[deal.player % kGroups]->add(deal);
  }
}

void GameFeed::buy_in_burst(const char* kind, const spec::GameTimes& times, std::uint32_t players,
                            std::uint32_t purchases, bool is_one_address) {
  Occurrence* const burst = begins(kind, times);
  if (burst == nullptr) return;
  for (std::uint32_t i = 0; i < players; ++i) burst->players.push_back(draw_player());
  const std::uint32_t address = world_.address_of(burst->players[0]);
  if (is_one_address) burst->address = writer_.address_text(address);
  // One after the other, each somewhere in its part of the time.
  const double part = static_cast<double>(burst->until - burst->from) / purchases;
  std::vector<Deal> deals;
  for (std::uint32_t i = 0; i < purchases; ++i) {
    deals.push_back({.time = burst->from + static_cast<std::int64_t>(part * (i + random_.unit())),
                     .player = burst->players[i % players],
                     .address = is_one_address ? static_cast<std::int32_t>(address) + 1 : 0,
                     .item = static_cast<std::uint8_t>(world_.random_item(random_))});
  }
  burst->purchases = purchases;
  add_deals(deals);
}

void GameFeed::test_cards() {
  const spec::CardTesters& settings = *options_.game.anomalies.card_testers;
  Occurrence* const testers = begins("card-testers", settings.times);
  if (testers == nullptr) return;
  const auto items = items_by_price(options_.game);
  const std::uint32_t dear = std::max(1U, settings.purchases / 4);
  std::vector<Deal> deals;
  for (std::uint32_t i = 0; i < settings.players; ++i) {
    const std::uint32_t player = draw_player();
    testers->players.push_back(player);
    const double part =
        static_cast<double>(testers->until - testers->from) / (settings.purchases + dear);
    for (std::uint32_t n = 0; n < settings.purchases + dear; ++n) {
      deals.push_back(
          {.time = testers->from + static_cast<std::int64_t>(part * (n + random_.unit())),
           .player = player,
           .item = n < settings.purchases ? items.front() : items.back()});
    }
  }
  testers->purchases = deals.size();
  add_deals(deals);
}

void GameFeed::abuse_refunds() {
  const spec::RefundAbuser& settings = *options_.game.anomalies.refund_abuser;
  Occurrence* const abuse = begins("refund-abuser", settings.times);
  if (abuse == nullptr) return;
  const std::uint32_t player = draw_player();
  abuse->players.push_back(player);
  const auto item = static_cast<std::uint8_t>(world_.random_item(random_));
  add_deals({{.time = abuse->from + kMinute,
              .player = player,
              .item = item,
              .abuse_until = abuse->until}});
}

void GameFeed::hack_speed() {
  const spec::SpeedHackers& settings = *options_.game.anomalies.speed_hackers;
  Occurrence* const hackers = begins("speed-hackers", settings.times);
  if (hackers == nullptr) return;
  for (std::uint32_t i = 0; i < settings.players; ++i) {
    const std::uint32_t player = draw_player();
    hackers->players.push_back(player);
    groups_[player % kGroups]->add(
        Hack{.player = player, .from = hackers->from, .until = hackers->until});
  }
}

}  // namespace gameflow::generate
