// A month of the flagship's results, made as fast as it takes the events: by a clock that is moved,
// so that what goes by the time of arrival has a month, too.
//
// The results are those of 100,000 events a second: as many rows of all that panels read over a
// range, and sketches as full. The events are far fewer. A crowd does in some minutes of each hour
// what only many players do: each item is bought in each currency and on each platform; on each day
// so many complete each level on each map that sketches count them no more one by one; somebody is
// new, and somebody of each day before is back; clients of each version are seen, servers of each
// region say how they are. In the last hours there is the simulated game besides, for what is
// shown by the minute. Not by the rate, but by how many cheat or send what is no event, goes how
// many cases of fraud and dead letters there are: so many an hour as the source says. Of bots there
// are none; pages read a row for each of a day.
//
// Threads  one; the engine has its own.
// Errors   std::exception.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "generate/event_kind.h"
#include "generate/feed.h"
#include "log/append.h"
#include "log/store.h"
#include "spec/game.h"
#include "world.h"

namespace gameflow::bench {

class History {
 public:
  struct Size {
    std::int64_t days = 30;         // before the last full hour
    std::uint32_t players = 2'000;  // of the game
    std::int64_t crowd = 1'050;     // players a day
  };

  // It ends with the hour before this one.
  explicit History(const Size& size);
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  // Returns once all results are there.
  void fill();

  World& world() { return world_; }
  std::uint16_t port() const { return serving_.port(); }
  Timestamp now() const { return clock_.now(); }
  std::uint64_t events() const { return events_; }

 private:
  // An event of the crowd.
  struct Happening {
    generate::EventKind kind;
    Timestamp at;
    std::string key, json;
  };

  struct Place {
    std::size_t level;
    std::int64_t map;
  };

  // What the crowd does in the hour from then on, in order of time.
  std::vector<Happening> crowd_of(Timestamp hour) const;
  void buy(Timestamp hour, std::vector<Happening>& out) const;
  void play(Timestamp hour, std::vector<Happening>& out) const;
  void come_back(Timestamp hour, std::vector<Happening>& out) const;
  void report(Timestamp hour, std::vector<Happening>& out) const;
  void walk(Timestamp hour, std::vector<Happening>& out) const;
  std::int64_t places() const;
  Place place_of(std::int64_t number) const;
  Happening say(std::string_view who, std::int64_t session, std::string_view what,
                std::int64_t place, std::int64_t client, Timestamp at) const;
  // The next hour, with the game where there is one.
  void live(generate::Feed* game);
  void put(generate::EventKind kind, Timestamp at, std::string_view key, std::string_view json);
  void commit();

  const Size size_;
  const spec::Game game_;
  const Timestamp end_;
  ManualClock clock_;
  World world_;
  Serving serving_;
  std::array<log::TopicInfo, generate::kEventKinds> topics_;
  std::array<std::vector<log::Append>, generate::kEventKinds> pending_;  // of the partitions
  std::uint64_t events_ = 0;
};

}  // namespace gameflow::bench
