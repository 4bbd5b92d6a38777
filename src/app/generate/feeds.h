// From the options of `gameflow generate` to a feed, and the pace at which it is to be read.
//
// Threads  a feed belongs to one thread; `Pace` to any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "app/client_commands.h"
#include "base/error.h"
#include "base/time.h"
#include "generate/feed.h"
#include "generate/game/game_feed.h"

namespace gameflow::app {

// Up to which time of the feed events are due.
class Pace {
 public:
  // A feed that begins at `from`, read from `now` on.
  Pace(const GenerateOptions& options, Timestamp from, Timestamp now);

  Timestamp until(Timestamp now) const;
  // As fast as somebody takes them.
  bool is_unpaced() const { return is_unpaced_; }
  // Not sooner will the event be due that arrives at `time`; zero: it is.
  Duration wait_for(Timestamp time, Timestamp now) const;

 private:
  Timestamp from_, start_;
  bool is_unpaced_ = false;  // as fast as it goes,
  bool has_clock_ = false;   // but not before the clock says so
  std::int64_t speed_ = 1;
};

// The uniform profile. `now`: its first event, if the options do not say when.
std::unique_ptr<generate::Feed> make_uniform_feed(const GenerateOptions& options,
                                                  std::uint64_t seed, Timestamp now);

// The game. What is wrong with its file has been printed when this fails; the Error sums it up.
// kFileUnreadable, kInvalidArgument.
Result<std::unique_ptr<generate::GameFeed>> make_game_feed(const GenerateOptions& options,
                                                           Timestamp now);

struct NamedFeed {
  std::unique_ptr<generate::Feed> feed;
  std::uint64_t seed = 0;
  // Feeds of one name give the same events in the same order, whenever they are made.
  std::string name;
};
// Either of them. Errors as make_game_feed. `seed`: of the uniform profile.
Result<NamedFeed> make_named_feed(const GenerateOptions& options, std::uint64_t seed,
                                  Timestamp now);

// A number that depends on every byte.
std::uint64_t mixed(std::string_view text);

}  // namespace gameflow::app
