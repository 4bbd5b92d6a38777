// A synthetic game: players who move, get stuck and buy things, and the servers they play on.
//
// The same seed gives the same events on every machine. Each kind of event is a stream of its own,
// so that what one stream holds does not depend on which others are made beside it.
//
// Units    event times are ms UTC and come from the caller.
// Threads  a Generator belongs to one thread; use one for each kind.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "generate/event_kind.h"
#include "generate/random.h"

namespace gameflow::generate {

struct WorldOptions {
  std::uint64_t seed = 1;
  std::uint32_t players = 99;  // player_1 to player_N, some more active than others
  std::uint32_t servers = 12;  // server_1 to server_N
};
inline constexpr std::uint32_t kPlayersMax = 10'000'000;

class Generator {
 public:
  // Preconditions: players in [1, kPlayersMax], servers in [1, 10'000].
  Generator(EventKind kind, const WorldOptions& options);

  // A part of what was appended, from its beginning.
  struct Part {
    std::size_t begin = 0, size = 0;
  };
  // Appends the next event as one line of JSON, with its newline; returns where its key is.
  Part append(Timestamp time, std::string& out);
  // Leaves out `count` events: the stream continues as if they had been appended.
  void skip(std::uint64_t count);

 private:
  struct Player {
    std::uint32_t session;
    std::uint8_t level, map, platform;
    std::uint8_t unused = 0;
    std::int32_t x, y;  // tenths, in [0, kFieldSize)
  };
  struct Server {
    std::int32_t load, memory;  // hundredths of a percent
    std::uint8_t region, type;
  };
  struct Purchase {
    std::uint32_t player;
    std::uint32_t item;
  };

  // An id that is the key.
  char* put_key(std::string_view prefix, std::uint64_t number, char* cursor);
  // A player by activity: busy ones more often.
  std::uint32_t pick_player();
  char* write_time(Timestamp time, char* cursor);
  char* write_player(Timestamp time, char* cursor);
  char* write_purchase(Timestamp time, char* cursor);
  char* write_server(Timestamp time, char* cursor);
  char* write_position(Timestamp time, char* cursor);

  EventKind kind_;
  Random random_;
  std::uint64_t sequence_ = 0;
  std::uint64_t transaction_base_;
  std::vector<std::uint32_t> players_by_activity_;
  std::vector<Player> players_;  // player_N is at N - 1
  std::vector<Server> servers_;
  std::array<Purchase, 64> purchases_{};  // the latest: what a refund gives back
  std::uint32_t purchases_made_ = 0;

  const char* key_begin_ = nullptr;  // within the event that is being written
  const char* key_end_ = nullptr;
  std::int64_t time_second_ = INT64_MIN;  // the second whose text is in time_text_
  std::string time_text_;                 // "2024-11-12T10:15:30"
};

}  // namespace gameflow::generate
