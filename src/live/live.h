// Queries that go on: SQL over states, tables and topics that is asked again when what it reads has
// changed, once for all who follow it.
//
// One thread, of lower priority, asks them in turn: each at most once in the shortest time that one
// of its followers wants, and only where the numbers of the tables and topics that it read last are
// others now, or where it reads the clock. A query that takes long is asked more rarely, so that it
// leaves the others their turn.
//
// Threads  any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "api/api.h"
#include "base/error.h"
#include "base/mutex.h"
#include "live/feed.h"

namespace gameflow::live {

inline constexpr std::size_t kFeedsMax = 256;  // different queries that are followed
inline constexpr std::chrono::milliseconds kEveryMin{100}, kEveryMax{3'600'000};

struct LiveStats {
  std::uint64_t feeds = 0, followers = 0;
  std::uint64_t asked = 0, failed = 0;
};

class Live;

// Who follows a query, until it is destroyed; before its Live.
//
// Threads  one at a time.
class Follower {
 public:
  ~Follower();
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  // The next message; null where there is none for now.
  Feed::Message next();

 private:
  friend class Live;
  struct Place;
  explicit Follower(std::unique_ptr<Place> place);
  std::unique_ptr<Place> place_;
};

class Live {
 public:
  explicit Live(api::Api& api);
  ~Live();
  Live(const Live&) = delete;
  Live& operator=(const Live&) = delete;

  // `changed` is called, from any thread, when there is something to pull. `version`, of a message
  // that the follower has had, or empty: what it knows already.
  //   kUnavailable  kFeedsMax other queries are followed
  Result<std::unique_ptr<Follower>> follow(Question question, std::chrono::milliseconds every,
                                           std::string_view version, std::function<void()> changed);

  // No follower is called from now on.
  void stop();
  LiveStats stats() const;

 private:
  friend class Follower;
  struct Asked;
  using Clock = std::chrono::steady_clock;

  void run();
  Clock::time_point drop_and_find_due(Clock::time_point now) GF_REQUIRES(mutex_);
  void ask(const std::shared_ptr<Asked>& asked);

  api::Api& api_;
  mutable Mutex mutex_;
  std::condition_variable changed_;
  bool is_stopping_ GF_GUARDED_BY(mutex_) = false;
  std::map<std::string, std::shared_ptr<Asked>> asked_ GF_GUARDED_BY(mutex_);
  std::uint64_t times_ GF_GUARDED_BY(mutex_) = 0, failures_ GF_GUARDED_BY(mutex_) = 0;
  std::thread thread_;
};

}  // namespace gameflow::live
