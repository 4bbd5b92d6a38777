#include "generate/game/writer.h"

#include <algorithm>

#include <fmt/format.h>

#include "generate/put.h"
#include "spec/game.h"

namespace gameflow::generate {
namespace {

constexpr std::string_view kServerTypes[] = {"dedicated", "virtual"};
constexpr std::string_view kActionNames[kActions] = {
    "session_start", "session_end",    "heartbeat", "level_start", "level_fail",
    "level_quit",    "level_complete", "move",      "interaction", "disconnect"};

// "2024-11-12T10:15:30.250Z". The date of days since 1970 as in Hinnant, "chrono-Compatible
// Low-Level Date Algorithms"; the years of events are 1970 to 9999.
char* put_time(char* cursor, std::int64_t ms) {
  constexpr std::int64_t kDay = 86'400'000;
  const auto days = static_cast<std::uint64_t>(std::max<std::int64_t>(ms, 0) / kDay);
  const auto of_day = static_cast<std::uint64_t>(std::max<std::int64_t>(ms, 0) % kDay);
  const std::uint64_t z = days + 719'468, era = z / 146'097, doe = z % 146'097;
  const std::uint64_t yoe = (doe - doe / 1460 + doe / 36'524 - doe / 146'096) / 365;
  const std::uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
  const std::uint64_t month = mp < 10 ? mp + 3 : mp - 9;
  const std::uint64_t year = yoe + era * 400 + (month <= 2 ? 1 : 0);
  cursor = put_two(put_two(cursor, year / 100), year % 100);
  *cursor++ = '-';
  cursor = put_two(cursor, month);
  *cursor++ = '-';
  cursor = put_two(cursor, doy - (153 * mp + 2) / 5 + 1);
  *cursor++ = 'T';
  cursor = put_two(cursor, of_day / 3'600'000);
  *cursor++ = ':';
  cursor = put_two(cursor, of_day / 60'000 % 60);
  *cursor++ = ':';
  cursor = put_two(cursor, of_day / 1'000 % 60);
  *cursor++ = '.';
  *cursor++ = static_cast<char>('0' + of_day / 100 % 10);
  cursor = put_two(cursor, of_day % 100);
  *cursor++ = 'Z';
  return cursor;
}

char* put_player(char* cursor, std::uint32_t player) {
  return put(put(cursor, "player_"), std::uint64_t{player} + 1);
}

// What is left of an event that came damaged: it ends in the middle, or has no parameters.
char* damage(const Event& event, std::string_view event_name, char* begin, char* end) {
  if (event.id % 2 == 0)
    return begin + 1 + event.id / 2 % static_cast<std::uint64_t>(end - begin - 1);
  char* cursor = put(begin, R"({"event_name":")");
  cursor = put(cursor, event_name);
  cursor = put(cursor, R"(","parameters":null,"event_timestamp":")");
  return put(put_time(cursor, event.shown), R"("})");
}

std::string money_text(std::int64_t minor_units, std::string_view currency) {
  return fmt::format(R"("currency":"{}","amount":{})", currency,
                     amount_text(minor_units, currency));
}

}  // namespace

std::string_view action_name(Action action) {
  return kActionNames[static_cast<std::size_t>(action)];
}

std::string player_name(std::uint32_t player) {
  return fmt::format("player_{}", std::uint64_t{player} + 1);
}

std::string map_name(std::uint32_t map) {
  return fmt::format("map_{:02}", map + 1);
}

std::string amount_text(std::int64_t minor_units, std::string_view currency) {
  const std::uint32_t digits = spec::currency_digits(currency);
  std::string text = fmt::format("{:0{}}", minor_units, digits + 1);
  if (digits > 0) text.insert(text.size() - digits, 1, '.');
  return text;
}

Writer::Writer(const World& world) : world_(world) {
  const spec::Game& game = world.game();
  for (std::uint32_t map = 0; map < game.maps; ++map) maps_.push_back(map_name(map));
  for (std::size_t item = 0; item < game.items.size(); ++item) {
    for (std::size_t region = 0; region < game.regions.size(); ++region)
      amounts_.push_back(money_text(world.price_of(item, region), game.regions[region].currency));
  }
}

FeedEvent Writer::write(const Event& event, char*& cursor) const {
  char* const begin = cursor;
  std::string_view key, event_name;
  switch (event.kind) {
    case EventKind::kPlayer:
      cursor = write_player(event, cursor, key);
      event_name = "player_action";
      break;
    case EventKind::kPurchase:
      cursor = write_purchase(event, cursor, key);
      event_name = "transaction";
      break;
    case EventKind::kServer:
      cursor = write_server(event, cursor, key);
      break;
    case EventKind::kPosition:
      cursor = write_position(event, cursor, key);
      break;
  }
  if (event.is(kIsCorrupt)) {
    cursor = damage(event, event_name, begin, cursor);
    key = {};
  }
  return {.kind = event.kind,
          .is_corrupt = event.is(kIsCorrupt),
          .at = {event.at},
          .key = key,
          .json = {begin, static_cast<std::size_t>(cursor - begin)}};
}

std::string Writer::address_text(std::uint32_t address) const {
  char text[32];
  return {text, write_address(address, text)};
}

std::string Writer::device_text(std::uint32_t player) const {
  char text[32];
  return {text, write_device(player, text)};
}

char* Writer::write_device(std::uint32_t player, char* cursor) const {
  return put_hex(put(cursor, "device_"), world_.device_of(player), 12);
}

char* Writer::write_address(std::uint32_t address, char* cursor) const {
  if (!world_.game().show_ip_addresses) {
    constexpr std::uint64_t kHashes = 0x60000000000U;
    return put_hex(put(cursor, "ip_"), world_.hash(kHashes + address), 12);
  }
  cursor = put(cursor, "10.");
  cursor = put(cursor, std::uint64_t{address >> 16U & 255U});
  *cursor++ = '.';
  cursor = put(cursor, std::uint64_t{address >> 8U & 255U});
  *cursor++ = '.';
  return put(cursor, std::uint64_t{address & 255U});
}

char* Writer::write_user(const Event& event, std::uint32_t address, std::uint32_t device,
                         char* cursor, std::string_view& key) const {
  cursor = put(cursor, R"("user_data":{"user_id":")");
  char* const begin = cursor;
  cursor = put_player(cursor, event.player);
  if (event.kind == EventKind::kPlayer) key = {begin, static_cast<std::size_t>(cursor - begin)};
  cursor = put(cursor, R"(","platform":")");
  const Traits traits = world_.traits_of(event.player);
  cursor = put(cursor, kPlatforms[traits.platform]);
  cursor = put(put(cursor, R"(","client_version":")"), kClientVersions[traits.version]);
  cursor = put(cursor, R"(","ip_address":")");
  cursor = write_address(address, cursor);
  cursor = write_device(device, put(cursor, R"(","device_id":")"));
  return put(cursor, R"("})");
}

char* Writer::write_end(const Event& event, char* cursor) {
  cursor = put_hex(put(cursor, R"(,"event_id":")"), event.id);
  cursor = put_time(put(cursor, R"(","sent_at":")"), event.sent);
  return put(cursor, R"("})");
}

char* Writer::write_player(const Event& event, char* cursor, std::string_view& key) const {
  cursor = put(cursor, R"({"event_name":"player_action","parameters":{"player_id":")");
  cursor = put_player(cursor, event.player);
  cursor = put(put(cursor, R"(","session_id":"session_)"), event.session);
  cursor = put(put(cursor, R"(","event_type":")"), action_name(event.action));
  cursor = put(put(cursor, R"(","level_id":")"), world_.game().levels[event.level].name);
  cursor = put(put(cursor, R"(","map_id":")"), maps_[event.map]);
  if (event.attempt != 0)
    cursor = put_hex(put(cursor, R"(","attempt_id":"attempt_)"), event.attempt);
  cursor = put(put(cursor, R"(","server_id":")"), *world_.servers()[event.server].name);
  cursor = put(put(cursor, R"(","sequence":)"), static_cast<std::uint64_t>(event.numbers[0]));
  cursor = put_time(put(cursor, R"(},"event_timestamp":")"), event.shown);
  cursor =
      write_user(event, world_.address_of(event.player), event.player, put(cursor, R"(",)"), key);
  return write_end(event, cursor);
}

char* Writer::write_purchase(const Event& event, char* cursor, std::string_view& key) const {
  const spec::GameItem& item = world_.game().items[event.item];
  const std::size_t region = world_.region_of(event);
  cursor = put(cursor, R"({"event_name":"transaction","parameters":{"transaction_id":")");
  char* const begin = cursor;
  cursor = put_hex(put(cursor, "trans_"), event.attempt);
  key = {begin, static_cast<std::size_t>(cursor - begin)};
  cursor = put(cursor, R"(","transaction_type":")");
  cursor = put(cursor, event.is(kIsRefund) ? R"(refund",)" : R"(purchase",)");
  const bool is_in_full = event.numbers[2] == 0;
  cursor = put(cursor, is_in_full ? amounts_[event.item * world_.game().regions.size() + region]
                                  : money_text(world_.amount_of(event),
                                               world_.game().regions[region].currency));
  cursor = put(put(cursor, R"(,"item_id":")"), item.name);
  cursor = put(put(cursor, R"(","item_type":")"), item.type);
  cursor = put_time(put(cursor, R"("},"event_timestamp":")"), event.shown);
  const std::uint32_t address = event.numbers[0] > 0
                                    ? static_cast<std::uint32_t>(event.numbers[0] - 1)
                                    : world_.address_of(event.player);
  const std::uint32_t device =
      event.numbers[1] > 0 ? static_cast<std::uint32_t>(event.numbers[1] - 1) : event.player;
  cursor = write_user(event, address, device, put(cursor, R"(",)"), key);
  return write_end(event, cursor);
}

char* Writer::write_server(const Event& event, char* cursor, std::string_view& key) const {
  const GameServer& server = world_.servers()[event.server];
  cursor = put(cursor, R"({"event_name":"server_metric","parameters":{"server_id":")");
  key = {cursor, server.name->size()};
  cursor = put(cursor, *server.name);
  const auto number = [&event](std::size_t i) {
    return static_cast<std::uint64_t>(event.numbers[i]);
  };
  cursor = put(put(cursor, R"(","cpu_load":)"), number(0));
  cursor = put(put(cursor, R"(,"memory_usage":)"), number(1));
  cursor = put(put(cursor, R"(,"latency":)"), number(2));
  cursor = put_time(put(cursor, R"(},"event_timestamp":")"), event.shown);
  cursor =
      put(put(cursor, R"(","server_data":{"region":")"), world_.game().regions[server.region].name);
  cursor = put(put(cursor, R"(","server_type":")"), kServerTypes[event.server % 2]);
  return write_end(event, put(cursor, R"("})"));
}

char* Writer::write_position(const Event& event, char* cursor, std::string_view& key) const {
  cursor = put(cursor, R"({"player_id":")");
  char* const begin = cursor;
  cursor = put_player(cursor, event.player);
  key = {begin, static_cast<std::size_t>(cursor - begin)};
  cursor = put_tenths(put(cursor, R"(","x":)"), event.numbers[0]);
  cursor = put_tenths(put(cursor, R"(,"y":)"), event.numbers[1]);
  cursor = put(put(cursor, R"(,"level_id":")"), world_.game().levels[event.level].name);
  cursor = put(put(cursor, R"(","map_id":")"), maps_[event.map]);
  cursor = put_time(put(cursor, R"(","event_timestamp":")"), event.shown);
  return put(cursor, R"("})");
}

}  // namespace gameflow::generate
