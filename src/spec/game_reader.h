// Reads the settings of the simulated game, section by section.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "spec/game.h"
#include "spec/reader.h"

namespace gameflow::spec {

class GameReader {
 public:
  // Sections that are missing are those of `defaults`.
  GameReader(Report& report, const Game& defaults) : report_(report), game_(defaults) {}

  // What could be read; it counts if the report is empty.
  Game read(const Node& root);

 private:
  void read_regions(const Node& section);
  void read_servers(const Fields& fields, GameRegion& region);
  void read_levels(const Node& section);
  void read_items(const Node& section);
  void read_prices(const Node& node, GameItem& item);
  // That everybody can pay for everything.
  void check_prices(const Node& at);
  void read_faults(const Fields& fields);
  void read_anomalies(const Fields& fields);
  void read_player_anomalies(const Fields& fields);
  void read_frauds(const Fields& fields);

  GameTimes read_times(const Fields& fields);
  std::uint32_t read_level(const Fields& fields);
  std::uint32_t read_map(const Fields& fields);
  std::uint32_t read_region(const Fields& fields);
  void read_server(const Fields& fields, DegradingServer& server);
  double share(const Fields& fields, std::string_view key);
  std::uint32_t count(const Fields& fields, std::string_view key);

  Report& report_;
  Game game_;
};

}  // namespace gameflow::spec
