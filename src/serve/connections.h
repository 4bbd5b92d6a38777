// The open connections: how many there may be, and how to stop them all.
//
// Threads  any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "auth/access.h"
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

// Many of them, and from many places, but no one may shut the others out:
//
//   an address has at most `per_address_max`;
//   those that stay, WebSockets and endless replies, are at most three quarters of all;
//   the last sixteenth is reserved: it serves what is essential, one request each.
class Connections {
 public:
  enum class Place : std::uint8_t {
    kOrdinary,
    kReserved,
    kRefused,  // is to be told that there are too many
  };

  // A place among the connections, given back when it is destroyed.
  class Lease {
   public:
    Lease(Lease&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), id_(other.id_), place_(other.place_) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    Place place() const { return place_; }
    // Who is to be stopped; replaces the one before.
    void hold(const std::weak_ptr<Session>& session);
    // It becomes one of those that stay, for `caller`, until it leaves them or ends. False: there
    // are too many.
    bool stay(const auth::Caller& caller);
    void leave();

   private:
    friend class Connections;
    Lease(Connections* owner, std::uint64_t id, Place place)
        : owner_(owner), id_(id), place_(place) {}
    Connections* owner_;
    std::uint64_t id_;
    Place place_;
  };

  // `per_address_max` 0: half of all.
  Connections(std::size_t connections_max, std::size_t per_address_max);

  // `address` is any bytes that are the same for the same address; empty: it has no limit. Nothing
  // while stopping, and where even refusing is too much.
  std::optional<Lease> admit(const std::string& address);
  // Why a request on such a connection is refused, for its sender.
  std::string why(const Lease& lease) const;
  void stop_all();  // also those that come to hold a lease later
  // Those that stay for such callers.
  void stop_of(const std::function<bool(const auth::Caller&)>& is_one);
  void abort_all();
  bool wait_until_none(std::chrono::milliseconds time_max);
  void wait_until_none();
  std::size_t count() const;
  std::size_t staying() const;

 private:
  // Connections over the limit that are being answered 503 at the same time.
  static constexpr std::size_t kRefusedMax = 64, kRefusedPerAddressMax = 8;
  enum class State : std::uint8_t { kServing, kStopping, kAborting };
  struct Open {
    std::weak_ptr<Session> session;
    std::string address;
    Place place = Place::kOrdinary;
    bool stays = false, is_stopped = false;
    auth::Caller caller;
  };

  void tell(State state);
  static void tell(const std::weak_ptr<Session>& session, State state);

  const std::size_t max_, reserved_, per_address_max_, staying_max_;
  mutable Mutex mutex_;
  std::condition_variable none_;
  State state_ GF_GUARDED_BY(mutex_) = State::kServing;
  std::uint64_t next_id_ GF_GUARDED_BY(mutex_) = 0;
  std::unordered_map<std::uint64_t, Open> open_ GF_GUARDED_BY(mutex_);
  std::unordered_map<std::string, std::size_t> by_address_ GF_GUARDED_BY(mutex_);
  std::size_t staying_ GF_GUARDED_BY(mutex_) = 0, refused_ GF_GUARDED_BY(mutex_) = 0;
};

}  // namespace gameflow::serve
