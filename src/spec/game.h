// The settings of the simulated game: a small YAML file, read and checked like dataflow.yaml.
// docs/reference/simulated-game.md
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "spec/diagnostic.h"
#include "spec/field.h"

namespace gameflow::spec {

// Shares of one kind (regions, items) are weights: they need not add up to anything.
struct GameRegion {
  std::string name;
  double share = 1;
  Duration utc_offset;
  std::string currency;
  std::vector<std::string> servers;
  std::uint32_t capacity = 0;  // players that one of its servers carries
};

struct GameLevel {
  std::string name;
  std::uint32_t seconds = 0;  // that a usual player needs
  double difficulty = 0;      // 0 to 1
};

struct GamePrice {
  std::string currency;
  std::int64_t minor_units = 0;  // 499 is 4.99 USD, and 499 JPY
};

struct GameItem {
  std::string name, type;
  double share = 1;
  std::vector<GamePrice> prices;  // at least in the currency of each region
};

struct GameFaults {
  double duplicates = 0, corrupt = 0;  // of the events of clients
  double lost = 0;                     // of their moves, interactions and heartbeats
  double late = 0;                     // of the sessions: they are offline for a while
  Duration late_max;
  double wrong_clocks = 0, bots = 0;  // of the players
};

// When an anomaly is there, counted from the first event.
struct GameTimes {
  Duration at;
  std::optional<Duration> lasts;  // nothing: to the end
  std::optional<Duration> every;  // again and again, this long after it began; nothing: once
};

// Indices are those of Game's vectors; maps count from 0.
struct HardLevel {
  GameTimes times;
  std::uint32_t level = 0, map = 0;
};
struct CrashingLevel {
  GameTimes times;
  std::uint32_t level = 0, map = 0;
  double share = 0;  // of the attempts
};
struct CardTesters {
  GameTimes times;
  std::uint32_t players = 0, purchases = 0;  // small ones of each
};
struct BurstAccount {
  GameTimes times;
  std::uint32_t purchases = 0;
};
struct BurstAddress {
  GameTimes times;
  std::uint32_t players = 0, purchases = 0;  // purchases of all together
};
struct RefundAbuser {
  GameTimes times;
  Duration buys_every;
  double refunds = 0;  // of the purchases
};
struct SpeedHackers {
  GameTimes times;
  std::uint32_t players = 0;
};
struct PriceTamperers {
  GameTimes times;
  std::uint32_t players = 0, purchases = 0;  // purchases of each
  double pays = 0;                           // of the price, at most
};
struct CurrencyHoppers {
  GameTimes times;
  std::uint32_t players = 0, purchases = 0;  // purchases of each
};
struct DeviceFarm {
  GameTimes times;
  std::uint32_t players = 0, purchases = 0;  // purchases of each, at most
};
struct AccountTakeover {
  GameTimes times;
  std::uint32_t purchases = 0;
};
struct DegradingServer {
  GameTimes times;
  std::uint32_t region = 0, server = 0;  // a server of that region
  std::uint32_t latency_ms = 0;          // more than usual, once it is at its worst
};
struct RegionOutage {
  GameTimes times;
  std::uint32_t region = 0;
};

struct GameAnomalies {
  std::optional<HardLevel> hard_level;
  std::optional<CrashingLevel> crashing_level;
  std::optional<CardTesters> card_testers;
  std::optional<BurstAccount> burst_account;
  std::optional<BurstAddress> burst_address;
  std::optional<RefundAbuser> refund_abuser;
  std::optional<SpeedHackers> speed_hackers;
  std::optional<PriceTamperers> price_tamperers;
  std::optional<CurrencyHoppers> currency_hoppers;
  std::optional<DeviceFarm> device_farm;
  std::optional<AccountTakeover> account_takeover;
  std::optional<DegradingServer> degrading_server;
  std::optional<RegionOutage> region_outage;
};

struct Game {
  std::uint64_t seed = 0;
  std::uint32_t players = 0;
  double sessions_a_day = 0;  // of a player, on average
  Duration session;           // the median
  Duration metrics_every;     // of each server
  bool show_ip_addresses = false;
  std::uint32_t maps = 0;  // of each level
  std::vector<GameRegion> regions;
  std::vector<GameLevel> levels;
  std::vector<GameItem> items;
  GameFaults faults;
  GameAnomalies anomalies;
};

struct GameResult {
  std::optional<Game> game;  // if there are no errors
  std::vector<Diagnostic> diagnostics;
};

// What `source` does not say is as by default. Sections `regions`, `levels` and `items` count as a
// whole. There are no anomalies but those that it names.
GameResult parse_game(std::string_view source);
// games/gaming-analytics/game.yaml, as it was when the program was built: the defaults, with
// examples of all anomalies.
std::string_view default_game();

// Digits after the point of an ISO 4217 currency: 0 of JPY, 3 of KWD, 2 of most.
std::uint32_t currency_digits(std::string_view code);

// The rows that the file is read by.
extern const Section kGame, kGameRegion, kGameLevel, kGameItem, kGameFaults, kGameAnomalies,
    kHardLevel, kCrashingLevel, kCardTesters, kBurstAccount, kBurstAddress, kRefundAbuser,
    kSpeedHackers, kPriceTamperers, kCurrencyHoppers, kDeviceFarm, kAccountTakeover,
    kDegradingServer, kRegionOutage;

}  // namespace gameflow::spec
