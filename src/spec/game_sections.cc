// The keys of the simulated game's settings.
#include <algorithm>

#include "spec/game.h"

namespace gameflow::spec {
namespace {

using enum ValueKind;

constexpr std::uint64_t kMillion = 1'000'000;
// As generate::kPlayersMax, and what one event holds.
constexpr std::uint64_t kPlayersMax = 10'000'000;

bool is_game_name(std::string_view name) {
  return !name.empty() && name.size() <= 40 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
}

constexpr std::string_view kRule = "letters, digits, '.', '_' and '-', at most 40";
constexpr std::string_view kPattern = "^[-._A-Za-z0-9]{1,40}$";
constinit const NameRule kRegionName = {"region", is_game_name, kRule, kPattern};
constinit const NameRule kLevelName = {"level", is_game_name, kRule, kPattern};
constinit const NameRule kItemName = {"item", is_game_name, kRule, kPattern};

constexpr Field share(std::string_view key, std::string_view fallback, std::string_view doc) {
  return {.key = key, .kind = kFraction, .fallback = fallback, .doc = doc, .max = kMillion};
}

constexpr Field kGameFields[] = {
    {.key = "seed",
     .kind = kCount,
     .fallback = "1",
     .doc = "the same seed gives the same events; `--seed` counts more",
     .max = UINT64_MAX},
    {.key = "players",
     .kind = kCount,
     .fallback = "8000",
     .doc = "accounts, of which a few are online at a time; `--players` and `--rate` count more",
     .min = 1,
     .max = kPlayersMax},
    {.key = "sessions-a-day",
     .kind = kFraction,
     .fallback = "2",
     .doc = "of a player, on average",
     .min = 10'000,
     .max = 50 * kMillion},
    {.key = "session",
     .kind = kDuration,
     .fallback = "15m",
     .doc = "how long players want to stay: half of the sessions end sooner, also because some "
            "have had enough",
     .min = 60'000},
    {.key = "metrics-every",
     .kind = kDuration,
     .fallback = "5s",
     .doc = "how often a server tells its metrics",
     .min = 1'000},
    {.key = "show-ip-addresses",
     .kind = kBool,
     .fallback = "false",
     .doc = "`ip_address` is an address of 10.0.0.0/8; else a hash of one, the same for the same"},
    {.key = "maps",
     .kind = kCount,
     .fallback = "5",
     .doc = "of each level: `map_01` to `map_N`",
     .min = 1,
     .max = 99},
    {.key = "regions",
     .kind = kNamed,
     .doc = "where players live, and the servers there",
     .min = 1,
     .names = &kRegionName,
     .section = &kGameRegion},
    {.key = "levels",
     .kind = kNamed,
     .doc = "in the order in which they are played",
     .min = 1,
     .names = &kLevelName,
     .section = &kGameLevel},
    {.key = "items",
     .kind = kNamed,
     .doc = "what is sold",
     .min = 1,
     .names = &kItemName,
     .section = &kGameItem},
    {.key = "faults",
     .kind = kMap,
     .doc = "what goes wrong with the events of real clients",
     .section = &kGameFaults},
    {.key = "anomalies",
     .kind = kMap,
     .doc = "what analytics should find; one that is not named does not happen",
     .section = &kGameAnomalies},
};

constexpr Field kRegionFields[] = {
    {.key = "share",
     .kind = kFraction,
     .fallback = "1",
     .doc = "of the players, beside the shares of the other regions",
     .min = 1,
     .max = 1'000 * kMillion},
    {.key = "utc-offset",
     .fallback = "+00:00",
     .doc = "its clocks: `-08:00`, `+05:30`; more players are online in its evening"},
    {.key = "currency",
     .is_required = true,
     .doc = "what its players pay with, as in ISO 4217",
     .hint = "for example 'currency: EUR'"},
    {.key = "servers",
     .kind = kTexts,
     .is_required = true,
     .doc = "names of its game servers",
     .hint = "for example 'servers: [server_1, server_2]'",
     .min = 1},
    {.key = "capacity",
     .kind = kCount,
     .fallback = "40",
     .doc = "players that one of its servers carries well. With `--players` or `--rate` it grows "
            "along",
     .min = 1,
     .max = 1'000'000},
};

constexpr Field kLevelFields[] = {
    {.key = "seconds",
     .kind = kCount,
     .is_required = true,
     .doc = "that a usual player needs",
     .hint = "for example 'seconds: 60'",
     .min = 5,
     .max = 7'200},
    share("difficulty", "0.3",
          "0: nearly all attempts of a usual player succeed; 0.5: half of them; 1: very few"),
};

constexpr Field kItemFields[] = {
    {.key = "type",
     .is_required = true,
     .doc = "becomes `item_type`",
     .hint = "for example 'type: weapon'"},
    {.key = "share",
     .kind = kFraction,
     .fallback = "1",
     .doc = "of the purchases, beside the shares of the other items",
     .min = 1,
     .max = 1'000 * kMillion},
    {.key = "prices",
     .kind = kMap,
     .is_required = true,
     .doc = "by currency, with at most so many digits after the point as it has: "
            "`{ USD: 4.99, JPY: 700 }`",
     .hint = "for example 'prices: { USD: 4.99 }'"},
};

constexpr Field kFaultFields[] = {
    share("duplicates", "0.004",
          "of the events: sent again, byte for byte, because no answer came"),
    share("late", "0.03",
          "of the sessions: the client is offline for a while and sends what happened afterwards"),
    {.key = "late-max",
     .kind = kDuration,
     .fallback = "30m",
     .doc = "for how long at most",
     .min = 10'000},
    share("corrupt", "0.0001",
          "of the events: they come damaged first, cut off or with `null` for parameters; the "
          "client sends them again"),
    share("lost", "0.0005",
          "of the moves, interactions and heartbeats: they never come. Of version 2.1.4 of the "
          "client ten times as many"),
    share("wrong-clocks", "0.005",
          "of the players: the device's clock is off, by minutes up to decades, in "
          "`event_timestamp` and `sent_at` alike"),
    share("bots", "0.001", "of the players: programs that play the first level for hours"),
};

constexpr Field kAt = {.key = "at",
                       .kind = kDuration,
                       .doc = "when it begins, counted from the first event; else at once",
                       .min = 0};
constexpr Field kFor = {
    .key = "for", .kind = kDuration, .doc = "how long it lasts; else to the end", .min = 1'000};
constexpr Field kEvery = {.key = "every",
                          .kind = kDuration,
                          .doc = "it begins again this long after it began; else it comes once",
                          .min = 60'000};
constexpr Field times(Field field, std::string_view fallback) {
  field.fallback = fallback;
  return field;
}
constexpr Field kLevel = {.key = "level",
                          .is_required = true,
                          .doc = "one of `levels`",
                          .hint = "for example 'level: level_07'"};
constexpr Field kMapOfLevel = {
    .key = "map", .is_required = true, .doc = "`map_01` to `map_N`", .hint = "write 'map: map_03'"};
constexpr Field count(std::string_view key, std::string_view fallback, std::string_view doc,
                      std::uint64_t max) {
  return {.key = key, .kind = kCount, .fallback = fallback, .doc = doc, .min = 1, .max = max};
}

constexpr Field kAnomalyFields[] = {
    {.key = "hard-level",
     .kind = kMap,
     .doc = "hardly anybody completes a level on one map",
     .section = &kHardLevel},
    {.key = "crashing-level",
     .kind = kMap,
     .doc = "the game crashes in a level on one map: players vanish in the middle of it",
     .section = &kCrashingLevel},
    {.key = "card-testers",
     .kind = kMap,
     .doc = "accounts that try stolen cards: many cheap purchases, then dear ones",
     .section = &kCardTesters},
    {.key = "burst-account",
     .kind = kMap,
     .doc = "an account that buys much in a short time",
     .section = &kBurstAccount},
    {.key = "burst-address",
     .kind = kMap,
     .doc = "accounts that buy from one address in a short time",
     .section = &kBurstAddress},
    {.key = "refund-abuser",
     .kind = kMap,
     .doc = "an account that gives nearly everything back",
     .section = &kRefundAbuser},
    {.key = "speed-hackers",
     .kind = kMap,
     .doc = "accounts that complete levels, one after the other, in a time in which nobody can",
     .section = &kSpeedHackers},
    {.key = "price-tamperers",
     .kind = kMap,
     .doc = "accounts that pay a part of what dear items cost: their clients ask for less",
     .section = &kPriceTamperers},
    {.key = "currency-hoppers",
     .kind = kMap,
     .doc = "accounts that pay now as one region does, now as another, each time from another "
            "address",
     .section = &kCurrencyHoppers},
    {.key = "device-farm",
     .kind = kMap,
     .doc = "accounts that buy on one device, one after the other, each from its own address",
     .section = &kDeviceFarm},
    {.key = "account-takeover",
     .kind = kMap,
     .doc = "an account in other hands: dear items, one after the other, on another device and "
            "from another address",
     .section = &kAccountTakeover},
    {.key = "degrading-server",
     .kind = kMap,
     .doc = "a server that gets slower and slower, and loses players",
     .section = &kDegradingServer},
    {.key = "region-outage",
     .kind = kMap,
     .doc = "all servers of a region are gone: their players are disconnected, nobody gets in, "
            "and there are no metrics",
     .section = &kRegionOutage},
};
constexpr Field kHardFields[] = {kLevel, kMapOfLevel, kAt, kFor, kEvery};
constexpr Field kCrashingFields[] = {
    kLevel, kMapOfLevel, share("share", "0.35", "of the attempts that end so"), kAt, kFor, kEvery};
constexpr Field kTesterFields[] = {count("players", "3", "how many", 100),
                                   count("purchases", "12", "cheap ones of each", 1'000), kAt,
                                   times(kFor, "10m"), kEvery};
constexpr Field kAccountFields[] = {count("purchases", "12", "how many", 1'000), kAt,
                                    times(kFor, "90s"), kEvery};
constexpr Field kAddressFields[] = {count("players", "6", "how many accounts", 100),
                                    count("purchases", "14", "of all together", 1'000), kAt,
                                    times(kFor, "100s"), kEvery};
constexpr Field kAbuserFields[] = {
    {.key = "buys-every", .kind = kDuration, .fallback = "20m", .doc = "on average", .min = 60'000},
    share("refunds", "0.9", "of the purchases, some minutes later"),
    kAt,
    kFor,
    kEvery};
constexpr Field kHackerFields[] = {count("players", "2", "how many", 100), kAt, times(kFor, "10m"),
                                   kEvery};
constexpr Field kTampererFields[] = {count("players", "3", "how many", 100),
                                     count("purchases", "5", "of each", 1'000),
                                     share("pays", "0.5", "of the price, at most"),
                                     kAt,
                                     times(kFor, "1h"),
                                     kEvery};
constexpr Field kHopperFields[] = {count("players", "2", "how many", 100),
                                   count("purchases", "6", "of each", 1'000), kAt,
                                   times(kFor, "4h"), kEvery};
constexpr Field kFarmFields[] = {count("players", "8", "how many accounts", 100),
                                 count("purchases", "2", "of each, at most", 1'000), kAt,
                                 times(kFor, "3h"), kEvery};
constexpr Field kTakeoverFields[] = {count("purchases", "30", "how many", 1'000), kAt,
                                     times(kFor, "40m"), kEvery};
constexpr Field kServerFields[] = {
    {.key = "server",
     .is_required = true,
     .doc = "one of a region's `servers`",
     .hint = "for example 'server: server_3'"},
    {.key = "latency",
     .kind = kDuration,
     .fallback = "250ms",
     .doc = "more than usual when it is at its worst, which it is from a quarter of the time on",
     .min = 1},
    kAt,
    times(kFor, "30m"),
    kEvery};
constexpr Field kOutageFields[] = {{.key = "region",
                                    .is_required = true,
                                    .doc = "one of `regions`",
                                    .hint = "for example 'region: eu-west'"},
                                   kAt,
                                   times(kFor, "10m"),
                                   kEvery};

}  // namespace

constinit const Section kGame = {"game", "the settings of the game", kGameFields, {}, {}};
constinit const Section kGameRegion = {"game-region", "a region", kRegionFields, {}, {}};
constinit const Section kGameLevel = {"game-level", "a level", kLevelFields, {}, {}};
constinit const Section kGameItem = {"game-item", "an item", kItemFields, {}, {}};
constinit const Section kGameFaults = {"game-faults", "'faults'", kFaultFields, {}, {}};
constinit const Section kGameAnomalies = {"game-anomalies", "'anomalies'", kAnomalyFields, {}, {}};
constinit const Section kHardLevel = {"hard-level", "'hard-level'", kHardFields, {}, {}};
constinit const Section kCrashingLevel = {
    "crashing-level", "'crashing-level'", kCrashingFields, {}, {}};
constinit const Section kCardTesters = {"card-testers", "'card-testers'", kTesterFields, {}, {}};
constinit const Section kBurstAccount = {
    "burst-account", "'burst-account'", kAccountFields, {}, {}};
constinit const Section kBurstAddress = {
    "burst-address", "'burst-address'", kAddressFields, {}, {}};
constinit const Section kRefundAbuser = {"refund-abuser", "'refund-abuser'", kAbuserFields, {}, {}};
constinit const Section kSpeedHackers = {"speed-hackers", "'speed-hackers'", kHackerFields, {}, {}};
constinit const Section kPriceTamperers = {
    "price-tamperers", "'price-tamperers'", kTampererFields, {}, {}};
constinit const Section kCurrencyHoppers = {
    "currency-hoppers", "'currency-hoppers'", kHopperFields, {}, {}};
constinit const Section kDeviceFarm = {"device-farm", "'device-farm'", kFarmFields, {}, {}};
constinit const Section kAccountTakeover = {
    "account-takeover", "'account-takeover'", kTakeoverFields, {}, {}};
constinit const Section kDegradingServer = {
    "degrading-server", "'degrading-server'", kServerFields, {}, {}};
constinit const Section kRegionOutage = {"region-outage", "'region-outage'", kOutageFields, {}, {}};

}  // namespace gameflow::spec
