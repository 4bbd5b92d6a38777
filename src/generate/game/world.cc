#include "generate/game/world.h"

#include <algorithm>
#include <array>

namespace gameflow::generate {
namespace {

constexpr std::int64_t kMinute = 60'000, kHour = 60 * kMinute, kDay = 24 * kHour;
// Long enough that nearly all sessions of the first event's time have begun within it.
constexpr std::int64_t kWarmUp = kHour;
// Of larger games a step is shorter, so that its events fit into memory.
constexpr std::uint32_t kManyPlayers = 200'000;
// How far ahead arrivals are known.
constexpr std::int64_t kArrivalsAhead = 10 * kDay;

// Players that come in each hour of their day: few at four in the morning, most at eight in the
// evening. The average is 1.
constexpr std::array<double, 24> kHours{0.61, 0.40, 0.27, 0.19, 0.16, 0.19, 0.30, 0.46,
                                        0.59, 0.68, 0.78, 0.90, 1.03, 1.06, 1.05, 1.12,
                                        1.28, 1.49, 1.80, 2.15, 2.38, 2.25, 1.70, 1.16};
constexpr double kWeekend = 1.25;

std::vector<std::uint8_t> slots_of(const auto& things, std::uint32_t count) {
  double sum = 0;
  for (const auto& thing : things) sum += thing.share;
  std::vector<std::uint8_t> slots;
  double until = 0;
  for (std::size_t i = 0; i < things.size(); ++i) {
    until += things[i].share / sum * count;
    while (slots.size() < count && static_cast<double>(slots.size()) < until)
      slots.push_back(static_cast<std::uint8_t>(i));
  }
  slots.resize(count, static_cast<std::uint8_t>(things.size() - 1));
  return slots;
}

std::int64_t floor_to(std::int64_t time, std::int64_t unit) {
  return time - ((time % unit) + unit) % unit;
}

// A number in [0, 1) from some bits of a hash.
double part(std::uint64_t hash, unsigned shift) {
  return static_cast<double>(hash >> shift & 0xfffffU) * 0x1p-20;
}

}  // namespace

World::World(const spec::Game& game, double scale, Timestamp from)
    : game_(game),
      base_(mix64(game.seed + 0x9e3779b97f4a7c15U)),
      id_base_(mix64(base_ ^ static_cast<std::uint64_t>(from.ms))),
      from_(from.ms),
      step_ms_(game.players > kManyPlayers ? 1'000 : 5'000),
      region_slots_(slots_of(game.regions, kSlots)),
      item_slots_(slots_of(game.items, kSlots)),
      arrivals_(game.regions.size()),
      random_(mix64(base_ + 1)) {
  begin_ = from_ - kWarmUp;
  for (std::size_t region = 0; region < game.regions.size(); ++region) {
    first_servers_.push_back(static_cast<std::uint16_t>(servers_.size()));
    for (const std::string& name : game.regions[region].servers) {
      servers_.push_back({.name = &name,
                          .region = static_cast<std::uint8_t>(region),
                          .capacity = std::max(1.0, game.regions[region].capacity * scale),
                          .leak = random_.between(0, 8)});
    }
  }
  first_servers_.push_back(static_cast<std::uint16_t>(servers_.size()));
  for (const spec::GameItem& item : game.items) {
    for (const spec::GameRegion& region : game.regions)
      prices_.push_back(
          std::ranges::find(item.prices, region.currency, &spec::GamePrice::currency)->minor_units);
  }
  move_to(begin_, std::vector<std::uint32_t>(servers_.size()));
}

Traits World::traits_of(std::uint32_t player) const {
  const std::uint64_t who = hash(player), how = mix64(who + 1), more = mix64(who + 2);
  const auto per_hundred = static_cast<std::uint32_t>((who >> 12U & 0xfffU) * 100 / 4096);
  const auto spends = static_cast<std::uint32_t>((who >> 24U & 0xfffU) * 100 / 4096);
  const auto updates = static_cast<std::uint32_t>((who >> 36U & 0xfffU) * 100 / 4096);
  return {.region = region_slots_[who % kSlots],
          .platform = static_cast<std::uint8_t>(per_hundred < 45   ? 2
                                                : per_hundred < 78 ? 0
                                                                   : 1),
          .version = static_cast<std::uint8_t>(updates < 70   ? 0
                                               : updates < 92 ? 1
                                                              : kLossyVersion),
          .spending = static_cast<std::uint8_t>(spends < 50   ? 0
                                                : spends < 82 ? 1
                                                : spends < 96 ? 2
                                                              : 3),
          .is_bot = part(more, 0) < game_.faults.bots,
          .has_wrong_clock = part(more, 20) < game_.faults.wrong_clocks,
          // The mean of three: most players are near the middle.
          .skill = (part(how, 0) + part(how, 20) + part(how, 40)) / 3,
          .patience = part(more, 40),
          // From seldom to four times the average, which is 1.
          .activity = 0.1 + 2.7 * part(how, 8) * part(how, 30) + 0.45 * part(how, 44)};
}

// By the id, not by chance: events that are not lost are the same, however many are.
bool World::is_lost(std::uint64_t event_id, std::uint8_t version) const {
  constexpr double kAsMany = 10;
  return part(mix64(event_id), 0) < game_.faults.lost * (version == kLossyVersion ? kAsMany : 1);
}

std::uint32_t World::address_of(std::uint32_t player) const {
  constexpr std::uint64_t kAddresses = 0x10000000000U;
  // One in ten has the address of the account before it: a household.
  const bool is_shared = player > 0 && hash(kAddresses * 2 + player) % 10 == 0;
  return static_cast<std::uint32_t>(hash(kAddresses + player - (is_shared ? 1 : 0)) & 0xffffffU);
}

std::uint64_t World::device_of(std::uint32_t player) const {
  constexpr std::uint64_t kDevices = 0x30000000000U;
  return hash(kDevices + player);
}

std::size_t World::region_of(const Event& deal) const {
  return deal.region > 0 ? deal.region - 1U : traits_of(deal.player).region;
}

std::int64_t World::amount_of(const Event& deal) const {
  const std::int64_t price = price_of(deal.item, region_of(deal));
  if (deal.numbers[2] == 0) return price;
  return std::max<std::int64_t>(1, price * deal.numbers[2] / 1'000);
}

std::int64_t World::clock_offset_of(std::uint32_t player) const {
  constexpr std::uint64_t kClocks = 0x40000000000U;
  Random random(hash(kClocks + player));
  const std::uint32_t kind = random.below(10);
  const std::int64_t sign = random.chance(50) ? 1 : -1;
  if (kind < 4) return sign * static_cast<std::int64_t>(2 + random.below(56)) * kMinute;
  if (kind < 7) return sign * static_cast<std::int64_t>(1 + random.below(12)) * kHour;
  if (kind < 9) return static_cast<std::int64_t>(1 + random.below(14)) * kDay;
  // Never set: it began with the year 1970.
  return -floor_to(from_, kDay) + static_cast<std::int64_t>(random.below(30)) * kHour;
}

void World::fill_arrivals(std::int64_t until) {
  for (std::size_t region = 0; region < arrivals_.size(); ++region) {
    std::vector<double>& hours = arrivals_[region];
    while (begin_ + static_cast<std::int64_t>(hours.size()) * kHour < until) {
      const std::int64_t middle =
          begin_ + static_cast<std::int64_t>(hours.size()) * kHour + kHour / 2;
      const std::int64_t local = middle + game_.regions[region].utc_offset.ms;
      // 1970-01-01 was a Thursday.
      const std::int64_t day = floor_to(local, kDay) / kDay, weekday = ((day % 7) + 7) % 7;
      const double of_hour = kHours[static_cast<std::size_t>((local - day * kDay) / kHour)];
      hours.push_back(of_hour * (weekday == 2 || weekday == 3 ? kWeekend : 1));
    }
  }
}

std::int64_t World::next_arrival(std::int64_t time, const Traits& traits, Random& random) const {
  const std::vector<double>& hours = arrivals_[traits.region];
  // Arrivals come by chance, more of them in busy hours: so much has to pass.
  double left = random.exponential() * static_cast<double>(kDay) /
                (game_.sessions_a_day * std::max(0.05, traits.activity));
  auto hour = static_cast<std::size_t>((time - begin_) / kHour);
  std::int64_t now = time;
  for (; hour < hours.size(); ++hour) {
    const std::int64_t end = begin_ + static_cast<std::int64_t>(hour + 1) * kHour;
    const double passes = static_cast<double>(end - now) * hours[hour];
    if (left < passes) return now + static_cast<std::int64_t>(left / hours[hour]) + 1;
    left -= passes;
    now = end;
  }
  return now;
}

std::optional<std::uint16_t> World::choose_server(std::uint8_t region, Random& random) const {
  const std::uint16_t first = first_servers_[region];
  const std::uint32_t count = first_servers_[region + 1U] - first;
  const auto a = static_cast<std::uint16_t>(first + random.below(count));
  const auto b = static_cast<std::uint16_t>(first + random.below(count));
  const auto fill = [this](std::uint16_t server) {
    return servers_[server].population / servers_[server].capacity;
  };
  if (servers_[a].is_down) return std::nullopt;  // then all of the region are
  return fill(b) < fill(a) ? b : a;
}

std::optional<std::int64_t> World::begin_of(const spec::GameTimes& times, std::int64_t time) const {
  std::int64_t begin = from_ + times.at.ms;
  if (time < begin) return std::nullopt;
  if (times.every) begin += (time - begin) / times.every->ms * times.every->ms;
  if (times.lasts && time >= begin + times.lasts->ms) return std::nullopt;
  return begin;
}

bool World::is_hard(std::uint32_t level, std::uint32_t map, std::int64_t time) const {
  const auto& hard = game_.anomalies.hard_level;
  return hard && hard->level == level && hard->map == map && is_active(hard->times, time);
}

bool World::is_crashing(std::uint32_t level, std::uint32_t map, std::int64_t time) const {
  const auto& crashing = game_.anomalies.crashing_level;
  return crashing && crashing->level == level && crashing->map == map &&
         is_active(crashing->times, time);
}

void World::move_to(std::int64_t time, std::span<const std::uint32_t> populations) {
  fill_arrivals(time + kArrivalsAhead);
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    servers_[i].population = populations[i];
    move(servers_[i], i, time);
  }
}

void World::move(GameServer& server, std::size_t index, std::int64_t time) {
  const auto& outage = game_.anomalies.region_outage;
  server.is_down = outage && outage->region == server.region && is_active(outage->times, time);
  const double fill = server.population / server.capacity;
  double worse = 0;  // 0: as usual, 1: at its worst
  const auto& degrading = game_.anomalies.degrading_server;
  if (degrading && first_servers_[degrading->region] + degrading->server == index) {
    if (const auto begin = begin_of(degrading->times, time)) {
      const double ramp =
          static_cast<double>(degrading->times.lasts ? degrading->times.lasts->ms : kHour) / 4;
      worse = std::min(1.0, static_cast<double>(time - *begin) / ramp);
    }
  }
  // Memory leaks slowly until the process is restarted.
  server.leak = server.leak > 10 ? 0 : server.leak + random_.between(0, 0.004);
  const double over = std::max(0.0, fill - 1);
  server.load =
      std::clamp(6 + 60 * fill + 20 * over + 30 * worse + 2.5 * random_.normal(), 1.0, 100.0);
  server.memory =
      std::clamp(26 + 36 * fill + server.leak + 32 * worse + random_.normal(), 1.0, 99.0);
  server.latency_ms =
      std::max(5.0, 22 + 3.0 * static_cast<double>(server.region) + 28 * fill * fill + 180 * over +
                        worse * (degrading ? degrading->latency_ms : 0) + 3 * random_.normal());
  server.lost_per_minute = 0.0008 + std::max(0.0, server.latency_ms - 120) * 0.0005;
}

void World::append_metrics(std::int64_t time, std::vector<Event>& out) {
  const std::int64_t every = game_.metrics_every.ms;
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    const GameServer& server = servers_[i];
    if (server.is_down) continue;
    // Each at its own moment.
    const auto offset = static_cast<std::int64_t>(hash(i) % static_cast<std::uint64_t>(every));
    for (std::int64_t now = floor_to(time - offset + every - 1, every) + offset;
         now < time + step_ms_; now += every) {
      if (now < from_) continue;
      const auto noisy = [this](double value, double width, int most) {
        return std::clamp(static_cast<std::int32_t>(value + width * random_.normal()), 1, most);
      };
      out.push_back({.at = now,
                     .shown = now,
                     .sent = now,
                     .id = unique(std::uint64_t{kGroups} << 48U | ++metrics_),
                     .numbers = {noisy(server.load, 1, 100), noisy(server.memory, 0.5, 100),
                                 noisy(server.latency_ms, 2, 60'000)},
                     .server = static_cast<std::uint16_t>(i),
                     .kind = EventKind::kServer});
    }
  }
}

}  // namespace gameflow::generate
