// How much each sender may bring: records and bytes in a second. What is over it is refused, and
// nothing of it is stored.
//
// A sender has a bucket for each of the two, which fills as fast as the quota says, up to what
// comes in a second. A request is taken while none is empty, and takes out all that it brings,
// though that be more than there is: the next ones wait until what was overdrawn has come in. So a
// request of any size passes, and over time nobody brings more than their quota.
//
// Threads  any.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "auth/access.h"
#include "base/mutex.h"

namespace gameflow::http {

using auth::Quota;

// As whom a request counts: an address, a token.
struct Sender {
  std::string name;  // for people, and the same for the same sender: "address 203.0.113.7"
  Quota quota;
};

class Quotas {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  struct Refusal {
    std::string why;            // for the sender
    std::chrono::seconds wait;  // until a request may be taken
  };

  // Takes what a request brings out of the buckets of all `senders`; or out of none, where one is
  // empty.
  std::optional<Refusal> take(const std::vector<Sender>& senders, std::uint64_t records,
                              std::uint64_t bytes, Instant now);

  std::uint64_t refused_requests() const { return refused_requests_; }
  std::uint64_t refused_records() const { return refused_records_; }
  // Of how many senders it is known what they have brought. At most kSendersMax: where more come,
  // those whose buckets are full go; where that is not enough all do, as what grows without end is
  // worse.
  std::size_t senders() const;
  static constexpr std::size_t kSendersMax = 100'000;

 private:
  // When each bucket is full again, of records and of bytes: what it lacks is the time until then.
  using Buckets = std::array<Instant, 2>;
  Buckets& buckets_of(const std::string& name, Instant now) GF_REQUIRES(mutex_);

  std::atomic<std::uint64_t> refused_requests_ = 0, refused_records_ = 0;
  mutable Mutex mutex_;
  std::unordered_map<std::string, Buckets> senders_ GF_GUARDED_BY(mutex_);
};

}  // namespace gameflow::http
