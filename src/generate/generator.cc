#include "generate/generator.h"

#include <algorithm>
#include <numeric>

#include "generate/put.h"

namespace gameflow::generate {
namespace {

struct Item {
  std::string_view id, type, amount;
};

// Cheap things first: they sell more often.
constexpr std::array<Item, 8> kItems{{{"potion_health", "consumable", "0.99"},
                                      {"boost_xp", "consumable", "1.99"},
                                      {"emote_dance", "emote", "2.99"},
                                      {"skin_dragon", "skin", "4.99"},
                                      {"shield_aegis", "armor", "7.49"},
                                      {"weapon_blade", "weapon", "9.99"},
                                      {"mount_gryphon", "mount", "14.99"},
                                      {"pass_season", "pass", "19.99"}}};
constexpr std::array<std::string_view, 3> kPlatforms{"PC", "Console", "Mobile"};
constexpr std::array<std::string_view, 6> kRegions{"us-west",    "us-east",  "eu-west",
                                                   "eu-central", "ap-south", "sa-east"};
constexpr std::array<std::string_view, 2> kServerTypes{"dedicated", "virtual"};

constexpr std::uint32_t kLevels = 12, kMaps = 5;
constexpr std::int32_t kFieldSize = 10'000;  // tenths
// An event is under 400 bytes: every id is bounded.
constexpr std::size_t kEventBytesMax = 512;

// How likely an event of a player on `level` completes it, percent: levels 5 and 9 are the ones
// where players get stuck.
std::uint32_t completion_percent(std::uint32_t level) {
  return level == 5 || level == 9 ? 1 : 8;
}

std::int32_t step(Random& random, std::int32_t width) {
  return static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(2 * width + 1))) - width;
}

}  // namespace

std::string_view topic_of(EventKind kind) {
  switch (kind) {
    case EventKind::kPlayer:
      return "player-events";
    case EventKind::kPurchase:
      return "purchase-events";
    case EventKind::kServer:
      return "server-metrics";
    case EventKind::kPosition:
      return "player-positions";
  }
  return "";
}

std::string_view key_field_of(EventKind kind) {
  switch (kind) {
    case EventKind::kPlayer:
      return "user_data.user_id";
    case EventKind::kPurchase:
      return "parameters.transaction_id";
    case EventKind::kServer:
      return "parameters.server_id";
    case EventKind::kPosition:
      return "player_id";
  }
  return "";
}

Generator::Generator(EventKind kind, const WorldOptions& options)
    : kind_(kind),
      random_(mix64(options.seed + static_cast<std::uint64_t>(kind) * 0x9e3779b97f4a7c15U)),
      transaction_base_(mix64(~options.seed)) {
  // The world is drawn from the seed alone, so that all kinds agree on who plays on what.
  Random world(mix64(options.seed));
  players_by_activity_.resize(options.players);
  std::iota(players_by_activity_.begin(), players_by_activity_.end(), 0U);
  for (std::uint32_t i = options.players; i > 1; --i) {
    std::swap(players_by_activity_[i - 1], players_by_activity_[world.below(i)]);
  }
  players_.reserve(options.players);
  for (std::uint32_t i = 0; i < options.players; ++i) {
    players_.push_back({.session = world.below(1'000'000),
                        .level = static_cast<std::uint8_t>(1 + world.mostly_small(kLevels)),
                        .map = static_cast<std::uint8_t>(1 + world.below(kMaps)),
                        .platform = static_cast<std::uint8_t>(world.mostly_small(3)),
                        .x = static_cast<std::int32_t>(world.below(kFieldSize)),
                        .y = static_cast<std::int32_t>(world.below(kFieldSize))});
  }
  servers_.reserve(options.servers);
  for (std::uint32_t i = 0; i < options.servers; ++i) {
    servers_.push_back({.load = static_cast<std::int32_t>(2'000 + world.below(5'000)),
                        .memory = static_cast<std::int32_t>(3'000 + world.below(4'000)),
                        .region = static_cast<std::uint8_t>(i % kRegions.size()),
                        .type = static_cast<std::uint8_t>(world.below(kServerTypes.size()))});
  }
}

Generator::Part Generator::append(Timestamp time, std::string& out) {
  std::array<char, kEventBytesMax> line;
  char* end = line.data();
  switch (kind_) {
    case EventKind::kPlayer:
      end = write_player(time, line.data());
      break;
    case EventKind::kPurchase:
      end = write_purchase(time, line.data());
      break;
    case EventKind::kServer:
      end = write_server(time, line.data());
      break;
    case EventKind::kPosition:
      end = write_position(time, line.data());
      break;
  }
  *end++ = '\n';
  out.append(line.data(), static_cast<std::size_t>(end - line.data()));
  ++sequence_;
  return {static_cast<std::size_t>(key_begin_ - line.data()),
          static_cast<std::size_t>(key_end_ - key_begin_)};
}

void Generator::skip(std::uint64_t count) {
  std::string unused;
  for (std::uint64_t i = 0; i < count; ++i) {
    append({}, unused);
    unused.clear();
  }
}

char* Generator::put_key(std::string_view prefix, std::uint64_t number, char* cursor) {
  key_begin_ = cursor;
  cursor = put(put(cursor, prefix), number);
  key_end_ = cursor;
  return cursor;
}

std::uint32_t Generator::pick_player() {
  const auto size = static_cast<std::uint32_t>(players_by_activity_.size());
  return players_by_activity_[random_.mostly_small(size)];
}

char* Generator::write_time(Timestamp time, char* cursor) {
  const std::int64_t ms = ((time.ms % 1000) + 1000) % 1000;
  const std::int64_t second = (time.ms - ms) / 1000;
  if (second != time_second_) {
    time_text_ = format_timestamp({second * 1000});
    time_text_.pop_back();  // the Z
    time_second_ = second;
  }
  cursor = put(cursor, time_text_);
  *cursor++ = '.';
  *cursor++ = static_cast<char>('0' + ms / 100);
  cursor = put_two(cursor, static_cast<std::uint32_t>(ms));
  *cursor++ = 'Z';
  return cursor;
}

char* Generator::write_player(Timestamp time, char* cursor) {
  const std::uint32_t index = pick_player();
  Player& player = players_[index];
  const std::uint32_t draw = random_.below(100);
  std::string_view type = "move";
  const std::uint32_t level = player.level, map = player.map;
  if (draw < completion_percent(level)) {
    type = "level_complete";
    player.level = static_cast<std::uint8_t>(level % kLevels + 1);
    player.map = static_cast<std::uint8_t>(1 + random_.below(kMaps));
  } else if (draw >= 70) {
    type = "interaction";
  }
  cursor = put(cursor, R"({"event_name":"player_action","parameters":{"player_id":"player_)");
  cursor = put(cursor, index + 1);
  cursor = put(cursor, R"(","session_id":"session_)");
  cursor = put(cursor, player.session);
  cursor = put(cursor, R"(","event_type":")");
  cursor = put(cursor, type);
  cursor = put(cursor, R"(","level_id":"level_)");
  cursor = put_two(cursor, level);
  cursor = put(cursor, R"(","map_id":"map_)");
  cursor = put_two(cursor, map);
  cursor = put(cursor, R"("},"event_timestamp":")");
  cursor = write_time(time, cursor);
  cursor = put(cursor, R"(","user_data":{"user_id":")");
  cursor = put_key("player_", index + 1, cursor);
  cursor = put(cursor, R"(","platform":")");
  cursor = put(cursor, kPlatforms[player.platform]);
  // About one event in 300 is the last of its session.
  if (random_.below(300) == 0) player.session = random_.below(1'000'000);
  return put(cursor, R"("}})");
}

char* Generator::write_purchase(Timestamp time, char* cursor) {
  Purchase purchase{};
  const bool refund = purchases_made_ > 0 && random_.chance(3);
  if (refund) {
    const auto kept =
        std::min<std::uint32_t>(purchases_made_, static_cast<std::uint32_t>(purchases_.size()));
    purchase = purchases_[random_.below(kept)];
  } else {
    purchase = {.player = pick_player(), .item = random_.mostly_small(kItems.size())};
    purchases_[purchases_made_++ % purchases_.size()] = purchase;
  }
  const Item& item = kItems[purchase.item];
  cursor = put(cursor, R"({"event_name":"transaction","parameters":{"transaction_id":")");
  key_begin_ = cursor;
  cursor = put_hex(put(cursor, "trans_"), mix64(transaction_base_ + sequence_));
  key_end_ = cursor;
  cursor = put(cursor, R"(","transaction_type":")");
  cursor = put(cursor, refund ? "refund" : "purchase");
  cursor = put(cursor, R"(","currency":"USD","amount":)");
  cursor = put(cursor, item.amount);
  cursor = put(cursor, R"(,"item_id":")");
  cursor = put(cursor, item.id);
  cursor = put(cursor, R"(","item_type":")");
  cursor = put(cursor, item.type);
  cursor = put(cursor, R"("},"event_timestamp":")");
  cursor = write_time(time, cursor);
  cursor = put(cursor, R"(","user_data":{"user_id":"player_)");
  cursor = put(cursor, purchase.player + 1);
  cursor = put(cursor, R"(","platform":")");
  cursor = put(cursor, kPlatforms[players_[purchase.player].platform]);
  return put(cursor, R"("}})");
}

char* Generator::write_server(Timestamp time, char* cursor) {
  const std::size_t index = sequence_ % servers_.size();
  Server& server = servers_[index];
  // Load wanders around 50 %; memory creeps up until the server recycles it; latency follows load
  // with noise.
  const std::int32_t load_pull = (5'000 - server.load) / 50;
  server.load = std::clamp(server.load + load_pull + step(random_, 250), 200, 9'900);
  server.memory += 5 + step(random_, 40);
  if (server.memory > 9'200) server.memory = 3'500;
  server.memory = std::max(server.memory, 1'000);
  const std::int32_t latency = 20 + server.load * server.load / 600'000 + step(random_, 8);
  cursor = put(cursor, R"({"event_name":"server_metric","parameters":{"server_id":")");
  cursor = put_key("server_", index + 1, cursor);
  cursor = put(cursor, R"(","cpu_load":)");
  cursor = put(cursor, static_cast<std::uint64_t>(server.load / 100));
  cursor = put(cursor, R"(,"memory_usage":)");
  cursor = put(cursor, static_cast<std::uint64_t>(server.memory / 100));
  cursor = put(cursor, R"(,"latency":)");
  cursor = put(cursor, static_cast<std::uint64_t>(latency));
  cursor = put(cursor, R"(},"event_timestamp":")");
  cursor = write_time(time, cursor);
  cursor = put(cursor, R"(","server_data":{"region":")");
  cursor = put(cursor, kRegions[server.region]);
  cursor = put(cursor, R"(","server_type":")");
  cursor = put(cursor, kServerTypes[server.type]);
  return put(cursor, R"("}})");
}

char* Generator::write_position(Timestamp time, char* cursor) {
  const std::uint32_t index = pick_player();
  Player& player = players_[index];
  player.x = std::clamp(player.x + step(random_, 150), 0, kFieldSize - 1);
  player.y = std::clamp(player.y + step(random_, 150), 0, kFieldSize - 1);
  cursor = put(cursor, R"({"player_id":")");
  cursor = put_key("player_", index + 1, cursor);
  cursor = put(cursor, R"(","x":)");
  cursor = put_tenths(cursor, player.x);
  cursor = put(cursor, R"(,"y":)");
  cursor = put_tenths(cursor, player.y);
  cursor = put(cursor, R"(,"event_timestamp":")");
  cursor = write_time(time, cursor);
  return put(cursor, R"("})");
}

}  // namespace gameflow::generate
