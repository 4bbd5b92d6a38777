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

// One of the dearer half.
std::uint8_t dear_item(const std::vector<std::uint8_t>& by_price, Random& random) {
  const auto first = static_cast<std::uint32_t>(by_price.size() / 2);
  return by_price[first + random.below(static_cast<std::uint32_t>(by_price.size()) - first)];
}

// Of `count` times one after the other that with the number `n`: somewhere in its part of the time.
std::int64_t time_of(const Occurrence& anomaly, std::uint32_t n, std::uint32_t count,
                     Random& random) {
  const double part = static_cast<double>(anomaly.until - anomaly.from) / count;
  return anomaly.from + static_cast<std::int64_t>(part * (n + random.unit()));
}

// What `players` of the game buy, each `purchases` times, one after the other: when and who, and
// besides what `make` says of the purchase with that number. `of` gets to know them.
template <class Make>
std::vector<Deal> buy_each(Occurrence& of, const spec::Game& game, std::uint32_t players,
                           std::uint32_t purchases, Random& random, Make make) {
  std::vector<Deal> deals;
  for (std::uint32_t i = 0; i < players; ++i) {
    const std::uint32_t player = random.below(game.players);
    of.players.push_back(player);
    for (std::uint32_t n = 0; n < purchases; ++n) {
      const std::int64_t time = time_of(of, n, purchases, random);
      Deal& deal = deals.emplace_back(make(n));
      deal.time = time;
      deal.player = player;
    }
  }
  of.purchases = deals.size();
  return deals;
}

// Kinds with chances of their own: whom another anomaly finds does not depend on them.
enum class Own : std::uint64_t {
  kTamperers = 0x80000000000U,
  kHoppers = 0x90000000000U,
  kFarm = 0xa0000000000U,
  kTakeover = 0xb0000000000U
};

Random random_of(const World& world, Own kind, const Occurrence& anomaly) {
  return Random(world.hash(static_cast<std::uint64_t>(kind) +
                           static_cast<std::uint64_t>(anomaly.from - world.from())));
}

std::int32_t any_address(Random& random) {
  return static_cast<std::int32_t>(1 + random.below(0x1000000U));
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
  if (anomalies.price_tamperers) tamper_with_prices();
  if (anomalies.currency_hoppers) hop_currencies();
  if (anomalies.device_farm) farm_device();
  if (anomalies.account_takeover) take_over_account();
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
  std::vector<Deal> deals;
  for (std::uint32_t i = 0; i < purchases; ++i) {
    deals.push_back({.time = time_of(*burst, i, purchases, random_),
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
  add_deals(buy_each(*testers, options_.game, settings.players, settings.purchases + dear, random_,
                     [&](std::uint32_t n) {
                       return Deal{.item = n < settings.purchases ? items.front() : items.back()};
                     }));
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

// The server believes the client what is to be paid.
void GameFeed::tamper_with_prices() {
  const spec::PriceTamperers& settings = *options_.game.anomalies.price_tamperers;
  Occurrence* const tamperers = begins("price-tamperers", settings.times);
  if (tamperers == nullptr) return;
  Random random = random_of(world_, Own::kTamperers, *tamperers);
  const auto items = items_by_price(options_.game);
  const auto most = static_cast<std::uint32_t>(std::max(1.0, settings.pays * 1'000));
  add_deals(buy_each(*tamperers, options_.game, settings.players, settings.purchases, random,
                     [&](std::uint32_t) {
                       return Deal{.thousandths = static_cast<std::int32_t>(1 + random.below(most)),
                                   .item = dear_item(items, random)};
                     }));
}

// By a VPN, or with cards from all over the world.
void GameFeed::hop_currencies() {
  const spec::CurrencyHoppers& settings = *options_.game.anomalies.currency_hoppers;
  Occurrence* const hoppers = begins("currency-hoppers", settings.times);
  if (hoppers == nullptr) return;
  Random random = random_of(world_, Own::kHoppers, *hoppers);
  const auto regions = static_cast<std::uint32_t>(options_.game.regions.size());
  add_deals(buy_each(*hoppers, options_.game, settings.players, settings.purchases, random,
                     [&](std::uint32_t) {
                       return Deal{.address = any_address(random),
                                   .region = static_cast<std::uint8_t>(1 + random.below(regions)),
                                   .item = static_cast<std::uint8_t>(world_.random_item(random))};
                     }));
}

// Made or stolen accounts of one owner; a proxy gives each an address of its own.
void GameFeed::farm_device() {
  const spec::DeviceFarm& settings = *options_.game.anomalies.device_farm;
  Occurrence* const farm = begins("device-farm", settings.times);
  if (farm == nullptr) return;
  Random random = random_of(world_, Own::kFarm, *farm);
  for (std::uint32_t i = 0; i < settings.players; ++i)
    farm->players.push_back(random.below(options_.game.players));
  const std::uint32_t device = farm->players[0];
  farm->device = writer_.device_text(device);
  std::vector<Deal> deals;
  for (std::uint32_t i = 0; i < settings.players; ++i) {
    for (std::uint32_t left = 1 + random.below(settings.purchases); left > 0; --left)
      deals.push_back({.time = time_of(*farm, i, settings.players, random),
                       .player = farm->players[i],
                       .device = static_cast<std::int32_t>(device + 1),
                       .item = static_cast<std::uint8_t>(world_.random_item(random))});
  }
  farm->purchases = deals.size();
  add_deals(deals);
}

// Whoever has it now spends what the owner's card gives, as long as nobody notices.
void GameFeed::take_over_account() {
  const spec::AccountTakeover& settings = *options_.game.anomalies.account_takeover;
  Occurrence* const takeover = begins("account-takeover", settings.times);
  if (takeover == nullptr) return;
  Random random = random_of(world_, Own::kTakeover, *takeover);
  const auto items = items_by_price(options_.game);
  const std::uint32_t players = options_.game.players, player = random.below(players);
  takeover->players.push_back(player);
  const std::int32_t address = any_address(random);
  const auto device = static_cast<std::int32_t>(1 + players + random.below(players));
  std::vector<Deal> deals;
  for (std::uint32_t n = 0; n < settings.purchases; ++n)
    deals.push_back({.time = time_of(*takeover, n, settings.purchases, random),
                     .player = player,
                     .address = address,
                     .device = device,
                     .item = dear_item(items, random)});
  takeover->purchases = deals.size();
  add_deals(deals);
}

}  // namespace gameflow::generate
