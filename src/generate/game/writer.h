// Events as JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "generate/feed.h"
#include "generate/game/event.h"
#include "generate/game/world.h"

namespace gameflow::generate {

std::string_view action_name(Action action);
std::string player_name(std::uint32_t player);  // "player_17" of 16
std::string map_name(std::uint32_t map);        // "map_03" of 2
// "4.99" of 499 USD, "700" of 700 JPY.
std::string amount_text(std::int64_t minor_units, std::string_view currency);

// Threads  may be used by several at once.
class Writer {
 public:
  explicit Writer(const World& world);

  static constexpr std::size_t kEventBytesMax = 1'024;
  // Writes the event to `cursor`, which has room for kEventBytesMax, and moves it behind.
  FeedEvent write(const Event& event, char*& cursor) const;
  // What `ip_address` shows.
  std::string address_text(std::uint32_t address) const;
  // What `device_id` shows of a player's device.
  std::string device_text(std::uint32_t player) const;

 private:
  char* write_player(const Event& event, char* cursor, std::string_view& key) const;
  char* write_purchase(const Event& event, char* cursor, std::string_view& key) const;
  char* write_server(const Event& event, char* cursor, std::string_view& key) const;
  char* write_position(const Event& event, char* cursor, std::string_view& key) const;
  // `device`: the player whose it is.
  char* write_user(const Event& event, std::uint32_t address, std::uint32_t device, char* cursor,
                   std::string_view& key) const;
  char* write_address(std::uint32_t address, char* cursor) const;
  char* write_device(std::uint32_t player, char* cursor) const;
  static char* write_end(const Event& event, char* cursor);

  const World& world_;
  std::vector<std::string> maps_;
  std::vector<std::string> amounts_;  // "currency":"EUR","amount":4.99 by item and region
};

}  // namespace gameflow::generate
