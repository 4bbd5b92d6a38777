#include "spec/game_reader.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "spec/yaml_tree.h"

namespace gameflow::spec {
namespace {

// The entries of a section from names to maps; what is none of that is told.
template <class Read>
void read_named(Report& report, const Node& section, std::string_view key, const Read& read) {
  const auto field = std::ranges::find(kGame.fields, key, &Field::key);
  if (section.kind != NodeKind::kMap || section.keys.empty()) {
    report.error(section, fmt::format("'{}' has to be a map, with at least one entry", key));
    return;
  }
  for (std::size_t i = 0; i < section.keys.size(); ++i) {
    const Node& name = section.keys[i];
    if (check_name(report, name, *field->names, name.text))
      read(name.text, Fields(report, section.items[i], *field->section));
  }
}

// "-08:00"
std::optional<Duration> parse_utc_offset(std::string_view text) {
  const auto digit = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '9'; };
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':' || !digit(1) ||
      !digit(2) || !digit(4) || !digit(5))
    return std::nullopt;
  const int minutes =
      ((text[1] - '0') * 10 + text[2] - '0') * 60 + (text[4] - '0') * 10 + text[5] - '0';
  if (minutes > 14 * 60) return std::nullopt;
  return Duration{(text[0] == '-' ? -1 : 1) * std::int64_t{minutes} * 60'000};
}

// "4.99" as 499 with two digits.
std::optional<std::int64_t> parse_price(std::string_view text, std::uint32_t digits) {
  std::string units(text.substr(0, text.find('.')));
  std::string_view after =
      text.find('.') == text.npos ? std::string_view() : text.substr(text.find('.') + 1);
  if (units.empty() || units.size() > 9 || after.size() > digits || text.ends_with('.')) return {};
  units += after;
  units.append(digits - after.size(), '0');
  if (units.find_first_not_of("0123456789") != units.npos) return {};
  std::int64_t minor = 0;
  std::from_chars(units.data(), units.data() + units.size(), minor);
  return minor > 0 ? std::optional(minor) : std::nullopt;
}

bool is_currency(std::string_view code) {
  return code.size() == 3 && std::ranges::all_of(code, [](char c) { return c >= 'A' && c <= 'Z'; });
}

// The index of what is called `name`, or 0 after a report.
template <class Named>
std::uint32_t refer(Report& report, const Node& at, std::string_view what, std::string_view name,
                    const std::vector<Named>& all) {
  const auto found = std::ranges::find(all, name, &Named::name);
  if (found != all.end()) return static_cast<std::uint32_t>(found - all.begin());
  std::vector<std::string_view> names;
  names.reserve(all.size());
  for (const Named& each : all) names.emplace_back(each.name);
  report.error(at, fmt::format("there is no {} '{}'", what, name.substr(0, 60)),
               did_you_mean(name, names));
  return 0;
}

}  // namespace

Game GameReader::read(const Node& root) {
  const Fields fields(report_, root, kGame);
  if (!fields.is_map()) return game_;
  game_.seed = fields.count("seed").value_or(0);
  game_.players = count(fields, "players");
  game_.sessions_a_day = share(fields, "sessions-a-day");
  game_.session = fields.duration("session").value_or(Duration{});
  game_.metrics_every = fields.duration("metrics-every").value_or(Duration{});
  game_.show_ip_addresses = fields.flag("show-ip-addresses").value_or(false);
  game_.maps = count(fields, "maps");
  if (const Node* const section = fields.find("regions")) read_regions(*section);
  if (const Node* const section = fields.find("levels")) read_levels(*section);
  if (const Node* const section = fields.find("items")) read_items(*section);
  if (report_.is_empty()) check_prices(root);
  static const Node kNothing = {.kind = NodeKind::kMap};
  const auto faults = fields.map("faults");
  read_faults(faults ? *faults : Fields(report_, kNothing, kGameFaults));
  if (const auto anomalies = fields.map("anomalies"); anomalies && anomalies->is_map())
    read_anomalies(*anomalies);
  return std::move(game_);
}

void GameReader::read_regions(const Node& section) {
  game_.regions.clear();
  read_named(report_, section, "regions", [this](const std::string& name, const Fields& fields) {
    if (!fields.is_map()) return;
    GameRegion region = {
        .name = name, .share = share(fields, "share"), .capacity = count(fields, "capacity")};
    const auto offset = fields.text("utc-offset");
    if (const auto parsed = offset ? parse_utc_offset(*offset) : std::nullopt) {
      region.utc_offset = *parsed;
    } else if (offset) {
      report_.error(*fields.find("utc-offset"), "'utc-offset' has to be hours and minutes",
                    "for example -08:00 or +05:30");
    }
    region.currency = fields.text("currency").value_or("");
    if (!region.currency.empty() && !is_currency(region.currency))
      report_.error(*fields.find("currency"), "a currency is three capital letters",
                    "for example EUR");
    read_servers(fields, region);
    game_.regions.push_back(std::move(region));
  });
}

void GameReader::read_servers(const Fields& fields, GameRegion& region) {
  const Node* const list = fields.find("servers");
  if (list == nullptr) return;
  if (list->kind != NodeKind::kList || list->items.empty()) {
    report_.error(*list, "'servers' has to be a list of names",
                  "for example 'servers: [server_1, server_2]'");
    return;
  }
  const NameRule& names = *std::ranges::find(kGame.fields, "items", &Field::key)->names;
  const NameRule rule = {"server", names.is_valid, names.in_words, names.pattern};
  for (const Node& node : list->items) {
    const auto name = read_text(report_, node, "a server");
    if (!name || !check_name(report_, node, rule, *name)) continue;
    const auto has = [&](const GameRegion& other) {
      return std::ranges::count(other.servers, *name) != 0;
    };
    if (has(region) || std::ranges::any_of(game_.regions, has)) {
      report_.error(node, fmt::format("two servers are called '{}'", *name), "rename one");
    } else {
      region.servers.push_back(*name);
    }
  }
}

void GameReader::read_levels(const Node& section) {
  game_.levels.clear();
  read_named(report_, section, "levels", [this](const std::string& name, const Fields& fields) {
    if (!fields.is_map()) return;
    game_.levels.push_back({name, count(fields, "seconds"), share(fields, "difficulty")});
  });
  constexpr std::size_t kLevelsMax = 99;
  if (game_.levels.size() > kLevelsMax)
    report_.error(section.keys[kLevelsMax],
                  fmt::format("there can be {} levels at most", kLevelsMax));
}

void GameReader::read_items(const Node& section) {
  game_.items.clear();
  read_named(report_, section, "items", [this](const std::string& name, const Fields& fields) {
    if (!fields.is_map()) return;
    GameItem item = {.name = name, .type = fields.text("type").value_or("")};
    item.share = share(fields, "share");
    const NameRule& rule = *std::ranges::find(kGame.fields, "items", &Field::key)->names;
    if (!item.type.empty()) check_name(report_, *fields.find("type"), rule, item.type);
    if (const Node* const prices = fields.find("prices")) read_prices(*prices, item);
    game_.items.push_back(std::move(item));
  });
  constexpr std::size_t kItemsMax = 200;
  if (game_.items.size() > kItemsMax)
    report_.error(section.keys[kItemsMax], fmt::format("there can be {} items at most", kItemsMax));
}

void GameReader::read_prices(const Node& node, GameItem& item) {
  if (node.kind != NodeKind::kMap || node.keys.empty()) {
    report_.error(node, "'prices' has to be a map from currencies to prices",
                  "for example 'prices: { USD: 4.99 }'");
    return;
  }
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const std::string& code = node.keys[i].text;
    if (!is_currency(code)) {
      report_.error(node.keys[i], "a currency is three capital letters", "for example EUR");
      continue;
    }
    const std::uint32_t digits = currency_digits(code);
    const auto price = parse_price(node.items[i].text, digits);
    if (!price) {
      report_.error(node.items[i],
                    digits == 0 ? fmt::format("a price in {} is a whole number above 0", code)
                                : fmt::format("a price in {} is a number above 0 with at most {} "
                                              "digits after the point",
                                              code, digits));
      continue;
    }
    item.prices.push_back({code, *price});
  }
}

void GameReader::check_prices(const Node& at) {
  for (const GameItem& item : game_.items) {
    for (const GameRegion& region : game_.regions) {
      if (std::ranges::count(item.prices, region.currency, &GamePrice::currency) != 0) continue;
      const Node* const items = at.find("items");
      const Node* const key = items == nullptr ? nullptr : items->find_key(item.name);
      const Node* const regions = at.find("regions");
      const Node* const place = key != nullptr ? key
                                : regions != nullptr && regions->find_key(region.name) != nullptr
                                    ? regions->find_key(region.name)
                                    : &at;
      report_.error(*place,
                    fmt::format("item '{}' has no price in {}, which region '{}' pays with",
                                item.name, region.currency, region.name),
                    "add it to its 'prices'");
      return;
    }
  }
}

void GameReader::read_faults(const Fields& fields) {
  if (!fields.is_map()) return;
  game_.faults = {.duplicates = share(fields, "duplicates"),
                  .corrupt = share(fields, "corrupt"),
                  .lost = share(fields, "lost"),
                  .late = share(fields, "late"),
                  .late_max = fields.duration("late-max").value_or(Duration{}),
                  .wrong_clocks = share(fields, "wrong-clocks"),
                  .bots = share(fields, "bots")};
}

void GameReader::read_anomalies(const Fields& fields) {
  GameAnomalies& anomalies = game_.anomalies;
  if (const auto of = fields.map("hard-level"); of && of->is_map())
    anomalies.hard_level = {read_times(*of), read_level(*of), read_map(*of)};
  if (const auto of = fields.map("crashing-level"); of && of->is_map())
    anomalies.crashing_level = {read_times(*of), read_level(*of), read_map(*of),
                                share(*of, "share")};
  if (const auto of = fields.map("degrading-server"); of && of->is_map())
    read_server(*of, anomalies.degrading_server.emplace());
  if (const auto of = fields.map("region-outage"); of && of->is_map())
    anomalies.region_outage = {read_times(*of), read_region(*of)};
  read_player_anomalies(fields);
  read_frauds(fields);
}

void GameReader::read_player_anomalies(const Fields& fields) {
  GameAnomalies& anomalies = game_.anomalies;
  if (const auto of = fields.map("card-testers"); of && of->is_map())
    anomalies.card_testers = {read_times(*of), count(*of, "players"), count(*of, "purchases")};
  if (const auto of = fields.map("burst-account"); of && of->is_map())
    anomalies.burst_account = {read_times(*of), count(*of, "purchases")};
  if (const auto of = fields.map("burst-address"); of && of->is_map())
    anomalies.burst_address = {read_times(*of), count(*of, "players"), count(*of, "purchases")};
  if (const auto of = fields.map("refund-abuser"); of && of->is_map())
    anomalies.refund_abuser = {read_times(*of), of->duration("buys-every").value_or(Duration{}),
                               share(*of, "refunds")};
  if (const auto of = fields.map("speed-hackers"); of && of->is_map())
    anomalies.speed_hackers = {read_times(*of), count(*of, "players")};
}

void GameReader::read_frauds(const Fields& fields) {
  GameAnomalies& anomalies = game_.anomalies;
  if (const auto of = fields.map("price-tamperers"); of && of->is_map())
    anomalies.price_tamperers = {read_times(*of), count(*of, "players"), count(*of, "purchases"),
                                 share(*of, "pays")};
  if (const auto of = fields.map("currency-hoppers"); of && of->is_map()) {
    anomalies.currency_hoppers = {read_times(*of), count(*of, "players"), count(*of, "purchases")};
    const auto is_first = [this](const GameRegion& region) {
      return region.currency == game_.regions.front().currency;
    };
    if (!game_.regions.empty() && std::ranges::all_of(game_.regions, is_first))
      report_.error(*fields.find("currency-hoppers"), "all regions pay with the same currency",
                    "give one of them another 'currency'");
  }
  if (const auto of = fields.map("device-farm"); of && of->is_map())
    anomalies.device_farm = {read_times(*of), count(*of, "players"), count(*of, "purchases")};
  if (const auto of = fields.map("account-takeover"); of && of->is_map())
    anomalies.account_takeover = {read_times(*of), count(*of, "purchases")};
}

GameTimes GameReader::read_times(const Fields& fields) {
  GameTimes times = {fields.duration("at").value_or(Duration{}), fields.duration("for"),
                     fields.duration("every")};
  const Node* const every = fields.find("every");
  if (every == nullptr || !times.every) return times;
  if (!times.lasts) {
    report_.error(*every, "what begins again has to end", "say how long it lasts: 'for: 30m'");
  } else if (*times.every < *times.lasts) {
    report_.error(*every, "it would begin again before it has ended", "make 'every' longer");
  }
  return times;
}

std::uint32_t GameReader::read_level(const Fields& fields) {
  const auto name = fields.text("level");
  return name ? refer(report_, *fields.find("level"), "level", *name, game_.levels) : 0;
}

std::uint32_t GameReader::read_map(const Fields& fields) {
  struct Map {
    std::string name;
  };
  std::vector<Map> maps;
  for (std::uint32_t i = 1; i <= game_.maps; ++i) maps.push_back({fmt::format("map_{:02}", i)});
  const auto name = fields.text("map");
  return name ? refer(report_, *fields.find("map"), "map", *name, maps) : 0;
}

std::uint32_t GameReader::read_region(const Fields& fields) {
  const auto name = fields.text("region");
  return name ? refer(report_, *fields.find("region"), "region", *name, game_.regions) : 0;
}

void GameReader::read_server(const Fields& fields, DegradingServer& server) {
  server.times = read_times(fields);
  server.latency_ms =
      static_cast<std::uint32_t>(fields.duration("latency").value_or(Duration{}).ms);
  const auto name = fields.text("server");
  if (!name) return;
  std::vector<std::string_view> names;
  for (std::uint32_t region = 0; region < game_.regions.size(); ++region) {
    const std::vector<std::string>& servers = game_.regions[region].servers;
    const auto found = std::ranges::find(servers, *name);
    names.insert(names.end(), servers.begin(), servers.end());
    if (found == servers.end()) continue;
    server.region = region;
    server.server = static_cast<std::uint32_t>(found - servers.begin());
    return;
  }
  report_.error(*fields.find("server"), fmt::format("there is no server '{}'", name->substr(0, 60)),
                did_you_mean(*name, names));
}

double GameReader::share(const Fields& fields, std::string_view key) {
  return static_cast<double>(fields.fraction(key).value_or(0)) / 1e6;
}

std::uint32_t GameReader::count(const Fields& fields, std::string_view key) {
  return static_cast<std::uint32_t>(fields.count(key).value_or(1));
}

std::uint32_t currency_digits(std::string_view code) {
  constexpr std::string_view kNone[] = {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW",
                                        "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"};
  constexpr std::string_view kThree[] = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"};
  if (std::ranges::count(kNone, code) != 0) return 0;
  return std::ranges::count(kThree, code) != 0 ? 3 : 2;
}

namespace {

GameResult parse_over(std::string_view source, const Game& defaults) {
  GameResult result;
  Tree tree = read_yaml(source);
  Report report(std::move(tree.diagnostics));
  static const Node kNothing = {.kind = NodeKind::kMap};
  Game game;
  if (tree.root || report.is_empty()) {
    const bool is_empty = !tree.root || tree.root->kind == NodeKind::kNull;
    game = GameReader(report, defaults).read(is_empty ? kNothing : *tree.root);
  }
  result.diagnostics = report.take();
  if (!has_errors(result.diagnostics)) result.game = std::move(game);
  return result;
}

}  // namespace

GameResult parse_game(std::string_view source) {
  // Its own file is the home of regions, levels and items.
  static const GameResult kDefaults = parse_over(default_game(), {});
  if (!kDefaults.game) return kDefaults;
  Game defaults = *kDefaults.game;
  defaults.anomalies = {};
  return parse_over(source, defaults);
}

}  // namespace gameflow::spec
