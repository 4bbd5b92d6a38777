// The open connections: how many there are, and how to stop them all.
//
// Threads  any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace gameflow::serve {

class Session {
 public:
  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  virtual ~Session() = default;
  // Both may be called from any thread and return at once.
  virtual void stop() = 0;   // finish what is running, say good-bye, end
  virtual void abort() = 0;  // close the socket
};

class Connections {
 public:
  // A place among the connections, given back when it is destroyed.
  class Lease {
   public:
    Lease(Lease&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), id_(other.id_), over_(other.over_) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    // The connection is to be told that there are too many.
    bool over_limit() const { return over_; }
    // Who is to be stopped; replaces the one before.
    void hold(const std::weak_ptr<Session>& session);

   private:
    friend class Connections;
    Lease(Connections* owner, std::uint64_t id, bool over) : owner_(owner), id_(id), over_(over) {}
    Connections* owner_;
    std::uint64_t id_;
    bool over_;
  };

  explicit Connections(std::size_t connections_max) : max_(connections_max) {}

  // Nothing while stopping, and where even refusing is too much.
  std::optional<Lease> admit();
  void stop_all();  // also those that come to hold a lease later
  void abort_all();
  bool wait_until_none(std::chrono::milliseconds time_max);
  void wait_until_none();
  std::size_t count() const;

 private:
  // Connections over the limit that are being answered 503 at the same time.
  static constexpr std::size_t kRefusedMax = 64;
  enum class State : std::uint8_t { kServing, kStopping, kAborting };

  void tell(State state);
  static void tell(const std::weak_ptr<Session>& session, State state);

  const std::size_t max_;
  mutable Mutex mutex_;
  std::condition_variable none_;
  State state_ GF_GUARDED_BY(mutex_) = State::kServing;
  std::uint64_t next_id_ GF_GUARDED_BY(mutex_) = 0;
  std::unordered_map<std::uint64_t, std::weak_ptr<Session>> sessions_ GF_GUARDED_BY(mutex_);
};

}  // namespace gameflow::serve
