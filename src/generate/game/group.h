// Some of the players: who is online, what they do next, what of it has yet to arrive.
//
// Threads  a group belongs to one thread at a time; groups know nothing of each other.
#pragma once

#include <cstdint>
#include <map>
#include <queue>
#include <span>
#include <vector>

#include "generate/game/event.h"
#include "generate/game/truth.h"
#include "generate/game/world.h"
#include "generate/random.h"

namespace gameflow::generate {

// A purchase or refund that will happen.
struct Deal {
  std::int64_t time = 0;
  std::uint32_t player = 0;
  // 0: the player's own; else this less 1. A device is that of a player.
  std::int32_t address = 0, device = 0;
  std::int32_t thousandths = 0;  // of the price; 0: all of it
  std::uint8_t region = 0;       // whose price it is; 0: the player's, else this less 1
  std::uint8_t item = 0;
  bool is_refund = false;
  // Of the refund abuser: until when it goes on. 0: it is none.
  std::int64_t abuse_until = 0;

  friend bool operator<(const Deal& a, const Deal& b) { return a.time > b.time; }
};

// A player completes levels in a time in which nobody can; who is not online comes for it.
struct Hack {
  std::uint32_t player = 0;
  std::int64_t from = 0, until = 0;
};

class Group {
 public:
  // The players whose number is `index` modulo kGroups.
  Group(World& world, std::uint32_t index);

  // Plays the step that begins at `time`.
  void play(std::int64_t time);
  void add(const Deal& deal) { deals_.push(deal); }
  void add(const Hack& hack) { hacks_.push_back(hack); }

  // What arrives in the step just played, each session's in order of time.
  std::span<const Event> arrived() const { return arrived_; }
  // By server, at the end of it.
  std::span<const std::uint32_t> populations() const { return populations_; }
  std::size_t online() const { return sessions_.size(); }
  const Counters& counters() const { return counters_; }

 private:
  struct Player {
    std::uint8_t level = 0;  // the first one not completed yet
    std::uint8_t tries = 0;  // at the level that is tried again
    std::uint8_t retry_level = 0, retry_map = 0;
  };
  struct Session {
    Random random{0};
    Traits traits;
    std::uint32_t player = 0;
    std::uint16_t server = 0;
    std::uint8_t level = 0, map = 0;
    Action outcome = Action::kLevelFail;  // of the attempt
    bool is_playing = false;              // an attempt; else it waits for the next one
    bool crashes = false;                 // at `breaks`
    bool is_seen = false;                 // the event before was given out
    bool is_extra = false;                // a hacker's: the next arrival is planned already
    std::uint64_t id = 0, attempt = 0;
    std::int64_t clock_offset = 0;
    std::int64_t pace_ms = 0;  // between two moves
    // When things happen next.
    std::int64_t next = 0, ends = 0, phase_ends = 0, acts = 0, beats = 0, buys = 0, breaks = 0;
    std::int64_t offline_from = 0, offline_until = 0;
    std::int64_t last = 0, last_at = 0;  // event, and when it arrived
    std::int32_t counted = 0, lost = 0;  // events; of them lost since the last one that was not
    std::int32_t x = 0, y = 0;
  };

  // Null: there is no server, now.
  Session* begin_session(std::int64_t time, std::uint32_t player);
  void arrive(std::int64_t time, std::uint32_t player);
  void gather_hackers(std::int64_t time);
  bool is_hacking(std::uint32_t player, std::int64_t time) const;
  bool happen(Session& session);  // false: it is over
  void end_session(Session& session, std::int64_t time, std::int64_t again);
  void begin_attempt(Session& session, std::int64_t time);
  void choose_level(Session& session, Player& player);
  void end_attempt(Session& session, std::int64_t time);
  void beat(Session& session, std::int64_t time);
  void act(Session& session, std::int64_t time);
  void plan(Session& session) const;

  bool emit(Session& session, std::int64_t time, Action action);  // false: it is lost
  void emit_position(const Session& session, std::int64_t time);
  void make(const Deal& deal);
  // Into arrived_, or to wait for its step; with the copies that faults make of it.
  void send(Event event, Random& random);
  void put(const Event& event);
  std::int64_t step_of(std::int64_t time) const {
    return (time - world_.begin()) / world_.step_ms();
  }
  std::uint64_t fresh_id() { return world_.unique(std::uint64_t{index_} << 48U | ++ids_); }
  Player& state_of(std::uint32_t player) { return players_[player / kGroups]; }

  World& world_;
  std::uint32_t index_;
  Random random_;
  std::uint64_t ids_ = 0;
  std::int64_t step_end_ = 0;
  std::vector<Player> players_;
  std::vector<Session> sessions_;
  std::vector<std::uint32_t> populations_;
  using Arrival = std::pair<std::int64_t, std::uint32_t>;
  std::priority_queue<Arrival, std::vector<Arrival>, std::greater<>> arrivals_;
  std::priority_queue<Deal> deals_;
  std::vector<Hack> hacks_;           // that have not ended
  std::uint32_t extra_sessions_ = 0;  // of sessions_
  std::vector<Event> arrived_;
  std::map<std::int64_t, std::vector<Event>> underway_;  // by the number of their step
  Counters counters_;
};

}  // namespace gameflow::generate
