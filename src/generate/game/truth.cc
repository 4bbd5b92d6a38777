#include "generate/game/truth.h"

#include <algorithm>

#include <boost/json.hpp>

#include "generate/game/writer.h"
#include "spec/game.h"
#include "spec/json_layout.h"

namespace gameflow::generate {

namespace json = boost::json;

namespace {

void add_sales(SaleCounts& to, const SaleCounts& from) {
  to.purchases += from.purchases;
  to.refunds += from.refunds;
  to.gross += from.gross;
  to.refunded += from.refunded;
}

}  // namespace

Counters::Counters(const World& world, std::uint32_t first, std::uint32_t stride)
    : levels(world.game().levels.size() * world.game().maps),
      sales(world.game().items.size() * world.game().regions.size()),
      players(world.game().players / stride + 1),
      buyers(world.game().players / stride + 1),
      world_(&world),
      first_(first),
      stride_(stride) {}

void Counters::count(const Event& event) {
  const auto kind = static_cast<std::size_t>(event.kind);
  if (event.is(kIsCorrupt)) {
    ++corrupt[kind];
    return;
  }
  if (event.is(kIsDuplicate)) {
    ++duplicates[kind];
    return;
  }
  ++events[kind];
  if (event.kind == EventKind::kServer || event.kind == EventKind::kPosition) return;
  if (event.sent - event.shown > kLateMs) ++late;
  if (event.is(kHasWrongClock)) ++wrong_clock;
  if (event.kind == EventKind::kPlayer) {
    count_player(event);
    return;
  }
  buyers[event.player / stride_] = true;
  SaleCounts& sale = sales[event.item * world_->game().regions.size() + world_->region_of(event)];
  ++(event.is(kIsRefund) ? sale.refunds : sale.purchases);
  (event.is(kIsRefund) ? sale.refunded : sale.gross) += world_->amount_of(event);
}

void Counters::count_player(const Event& event) {
  ++actions[static_cast<std::size_t>(event.action)];
  players[event.player / stride_] = true;
  played_ms += event.played_ms;
  if (event.is(kIsFirstOfSession)) ++sessions;
  if (event.numbers[1] > 0) {
    const Traits traits = world_->traits_of(event.player);
    lost[traits.platform][traits.version] += static_cast<std::uint64_t>(event.numbers[1]);
  }
  const auto count_in = [&event](LevelCounts& counts) {
    if (event.action == Action::kLevelStart) ++counts.started;
    if (event.action == Action::kLevelComplete) ++counts.completed;
    if (event.action == Action::kLevelFail) ++counts.failed;
    if (event.action == Action::kLevelQuit) ++counts.quit;
  };
  count_in(levels[event.level * world_->game().maps + event.map]);
  if (world_->is_hard(event.level, event.map, event.at)) count_in(hard);
}

void Counters::add(const Counters& other) {
  const auto add_all = [](auto& to, const auto& from) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
  };
  const auto add_levels = [](LevelCounts& to, const LevelCounts& from) {
    to.started += from.started;
    to.completed += from.completed;
    to.failed += from.failed;
    to.quit += from.quit;
  };
  const auto join = [&other](std::vector<bool>& to, const std::vector<bool>& from) {
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (from[i]) to[other.first_ + i * other.stride_] = true;
    }
  };
  add_all(events, other.events);
  add_all(duplicates, other.duplicates);
  add_all(corrupt, other.corrupt);
  add_all(actions, other.actions);
  sessions += other.sessions;
  played_ms += other.played_ms;
  late += other.late;
  wrong_clock += other.wrong_clock;
  for (std::size_t platform = 0; platform < lost.size(); ++platform)
    add_all(lost[platform], other.lost[platform]);
  crashed += other.crashed;
  add_levels(hard, other.hard);
  for (std::size_t i = 0; i < levels.size(); ++i) add_levels(levels[i], other.levels[i]);
  for (std::size_t i = 0; i < sales.size(); ++i) add_sales(sales[i], other.sales[i]);
  join(players, other.players);
  join(buyers, other.buyers);
}

namespace {

json::object of_kinds(const Counters::OfKinds& counts) {
  json::object object;
  for (std::size_t kind = 0; kind < kEventKinds; ++kind)
    object[topic_of(static_cast<EventKind>(kind))] = counts[kind];
  return object;
}

json::array names_of(const std::vector<std::uint32_t>& players) {
  json::array names;
  for (const std::uint32_t player : players) names.push_back(json::string(player_name(player)));
  return names;
}

json::array names_of(const World& world, const std::vector<bool>& seen, bool Traits::*trait) {
  std::vector<std::uint32_t> players;
  for (std::uint32_t player = 0; player < seen.size(); ++player) {
    if (seen[player] && world.traits_of(player).*trait) players.push_back(player);
  }
  return names_of(players);
}

json::array lost_of(const Counters& counters) {
  json::array lost;
  for (std::size_t platform = 0; platform < std::size(kPlatforms); ++platform) {
    for (std::size_t version = 0; version < std::size(kClientVersions); ++version) {
      lost.push_back({{"platform", kPlatforms[platform]},
                      {"client_version", kClientVersions[version]},
                      {"events", counters.lost[platform][version]}});
    }
  }
  return lost;
}

json::object of_level(const LevelCounts& counts) {
  return {{"started", counts.started},
          {"completed", counts.completed},
          {"failed", counts.failed},
          {"quit", counts.quit}};
}

json::array levels_of(const World& world, const Counters& counters) {
  json::array levels;
  const spec::Game& game = world.game();
  for (std::size_t i = 0; i < counters.levels.size(); ++i) {
    json::object level = {{"level_id", game.levels[i / game.maps].name},
                          {"map_id", map_name(static_cast<std::uint32_t>(i % game.maps))}};
    for (auto& [key, value] : of_level(counters.levels[i])) level[key] = value;
    levels.push_back(std::move(level));
  }
  return levels;
}

// By item and currency: regions that pay with the same one together.
json::array revenue_of(const World& world, const Counters& counters) {
  json::array revenue;
  const spec::Game& game = world.game();
  for (std::size_t item = 0; item < game.items.size(); ++item) {
    for (const spec::GamePrice& price : game.items[item].prices) {
      SaleCounts sum;
      for (std::size_t region = 0; region < game.regions.size(); ++region) {
        if (game.regions[region].currency != price.currency) continue;
        add_sales(sum, counters.sales[item * game.regions.size() + region]);
      }
      if (sum.purchases + sum.refunds == 0) continue;
      const auto amount = [&price](std::int64_t minor_units) {
        return json::string(amount_text(minor_units, price.currency));
      };
      revenue.push_back({{"item_id", game.items[item].name},
                         {"currency", price.currency},
                         {"purchases", sum.purchases},
                         {"refunds", sum.refunds},
                         {"gross", amount(sum.gross)},
                         {"refunded", amount(sum.refunded)}});
    }
  }
  return revenue;
}

json::array anomalies_of(const World& world, const std::vector<Occurrence>& occurrences) {
  json::array array;
  const spec::GameAnomalies& anomalies = world.game().anomalies;
  const auto place = [&world](json::object& object, std::uint32_t level, std::uint32_t map) {
    object["level_id"] = world.game().levels[level].name;
    object["map_id"] = map_name(map);
  };
  for (const Occurrence& each : occurrences) {
    json::object object = {
        {"kind", each.kind}, {"from", format_timestamp({each.from})}, {"until", nullptr}};
    constexpr std::int64_t kYear10000 = 253'402'300'800'000;
    if (each.until < kYear10000) object["until"] = format_timestamp({each.until});
    if (each.kind == "hard-level") {
      place(object, anomalies.hard_level->level, anomalies.hard_level->map);
    } else if (each.kind == "crashing-level") {
      place(object, anomalies.crashing_level->level, anomalies.crashing_level->map);
    } else if (each.kind == "degrading-server") {
      const std::size_t server = world.first_server_of(anomalies.degrading_server->region) +
                                 anomalies.degrading_server->server;
      object["server_id"] = *world.servers()[server].name;
    } else if (each.kind == "region-outage") {
      object["region"] = world.game().regions[anomalies.region_outage->region].name;
    }
    if (!each.players.empty()) object["players"] = names_of(each.players);
    if (each.purchases > 0) object["purchases"] = each.purchases;
    if (!each.address.empty()) object["ip_address"] = each.address;
    if (!each.device.empty()) object["device_id"] = each.device;
    array.push_back(std::move(object));
  }
  return array;
}

bool is_list_of_objects(const json::value& value) {
  return value.is_array() && !value.get_array().empty() && value.get_array()[0].is_structured();
}

// A line for each member, and for each item of a list of objects.
bool is_flat(const json::value& value, std::size_t indent) {
  return indent > 0 && !(indent == 2 && is_list_of_objects(value));
}

}  // namespace

std::string truth_json(const World& world, const Counters& counters,
                       const std::vector<Occurrence>& occurrences, std::int64_t until,
                       bool is_complete) {
  json::object types;
  for (std::size_t i = 0; i < kActions; ++i)
    types[action_name(static_cast<Action>(i))] = counters.actions[i];
  const auto count = [](const std::vector<bool>& seen) { return std::ranges::count(seen, true); };
  const json::object truth = {
      {"seed", world.game().seed},
      {"from", format_timestamp({world.from()})},
      {"until", format_timestamp({until})},
      {"complete", is_complete},
      {"events", of_kinds(counters.events)},
      {"duplicates", of_kinds(counters.duplicates)},
      {"corrupt", of_kinds(counters.corrupt)},
      {"event_types", types},
      {"sessions", counters.sessions},
      {"playtime_ms", counters.played_ms},
      {"players", count(counters.players)},
      {"buyers", count(counters.buyers)},
      {"late", counters.late},
      {"wrong_clock", counters.wrong_clock},
      {"lost", lost_of(counters)},
      {"levels", levels_of(world, counters)},
      {"revenue", revenue_of(world, counters)},
      {"hard_level", of_level(counters.hard)},
      {"crashed_sessions", counters.crashed},
      {"anomalies", anomalies_of(world, occurrences)},
      {"wrong_clock_players", names_of(world, counters.players, &Traits::has_wrong_clock)},
      {"bots", names_of(world, counters.players, &Traits::is_bot)}};
  return spec::json_lines(truth, is_flat);
}

}  // namespace gameflow::generate
