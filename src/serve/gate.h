// Who is asking, and whether they may: finds the token of a request, and answers those who may not.
//
// A token that nobody has is a guess or a mistake: it is counted, and answered late where one
// address sends many. A right one never waits, whoever else is behind the same address.
//
// Threads  any.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include <tl/expected.hpp>

#include "auth/access.h"
#include "auth/tokens.h"
#include "base/mutex.h"
#include "serve/reply.h"
#include "serve/request.h"
#include "serve/route.h"
#include "serve/stats.h"

namespace gameflow::serve {

// Where a person signs in; "?to=PATH" is where they wanted to go.
inline constexpr std::string_view kSignInPath = "/sign-in";

// The text of the token that a request brings; empty: none. That of the cookie counts for pages of
// this server alone (`is_own_page`): a page elsewhere never acts in the name of who looks at it.
std::string_view token_of(const Request& request, bool is_own_page);

// What makes a browser bring the token from now on; with an empty token: no more. `is_secure`:
// only over TLS.
std::string cookie_header(const Request& request, std::string_view token, bool is_secure);

class Gate {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  // So many wrong tokens of one address within kForget are answered at once, more after kPause.
  static constexpr std::size_t kFailuresMax = 10;
  static constexpr std::chrono::seconds kForget{60};
  static constexpr std::chrono::milliseconds kPause{1'000};

  Gate(auth::Tokens tokens, Stats& stats);
  // From now on these.
  void replace(auth::Tokens tokens);

  struct Refusal {
    Reply reply;
    std::chrono::milliseconds pause{0};  // to be sent after that
  };
  // `peer`: as peer_of().
  tl::expected<auth::Caller, Refusal> admit(const Route& route, const Request& request,
                                            bool is_own_page, const std::string& peer, Instant now);
  // Whether a caller who was admitted is still what they were.
  bool still_admits(const auth::Caller& caller) const;
  // For who is not known any more.
  static Reply unknown_token();

 private:
  struct Failures {
    std::size_t count = 0;
    Instant since{};
  };
  // Of so many addresses at most. Then all are forgotten: what grows without end is worse.
  static constexpr std::size_t kPeersMax = 10'000;

  std::shared_ptr<const auth::Tokens> tokens() const;
  std::chrono::milliseconds count_failure(const std::string& peer, Instant now);

  Stats& stats_;
  mutable Mutex mutex_;
  std::shared_ptr<const auth::Tokens> tokens_ GF_GUARDED_BY(mutex_);
  std::unordered_map<std::string, Failures> failures_ GF_GUARDED_BY(mutex_);
};

}  // namespace gameflow::serve
