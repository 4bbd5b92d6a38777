#include "serve/gate.h"

#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/ascii.h"
#include "base/url_encode.h"

namespace gameflow::serve {
namespace {

constexpr std::string_view kChallenge = "WWW-Authenticate";
// A token that is longer is none.
constexpr std::size_t kTokenBytesMax = 200;

// Cookies do not know ports, but two servers on one machine are two.
std::string cookie_name(const Request& request) {
  const std::size_t colon = request.host.rfind(':');
  if (colon == std::string::npos || request.host.find(']', colon) != std::string::npos)
    return "gameflow";
  const std::string port = request.host.substr(colon + 1);
  const bool is_port = port.find_first_not_of("0123456789") == std::string::npos;
  return is_port && !port.empty() ? "gameflow-" + port : "gameflow";
}

std::string_view cookie_of(const Request& request) {
  std::string_view all = request.other_header("Cookie");
  const std::string name = cookie_name(request);
  while (!all.empty()) {
    const std::string_view one = trimmed(all.substr(0, all.find(';')));
    all.remove_prefix(std::min(all.find(';'), all.size() - 1) + 1);
    if (one.size() > name.size() && one.starts_with(name) && one[name.size()] == '=')
      return one.substr(name.size() + 1);
  }
  return {};
}

Reply unauthorized(std::string_view challenge, std::string_view message) {
  Reply reply = error_reply({ErrorCode::kUnauthorized, std::string(message)});
  reply.headers.emplace_back(kChallenge, std::string(challenge));
  return reply;
}

Reply no_token() {
  return unauthorized(
      "Bearer realm=\"gameflow\"",
      "this needs a token: send it as 'Authorization: Bearer TOKEN'. `gameflow token create` makes "
      "one, and gameflow's own commands take it from $GAMEFLOW_TOKEN; people sign in at /sign-in");
}

Reply lacks_role(const Route& route, const auth::Caller& caller) {
  const std::string_view role = to_string(auth::role_for(route.access));
  const bool has_some = caller.may(Access::kIngest) && route.access == Access::kIngestAll;
  Reply reply = error_reply(
      {ErrorCode::kForbidden,
       has_some ? fmt::format("the token '{}' may write to some topics only; this needs the role "
                              "{} for all of them",
                              caller.token().name, role)
                : fmt::format("the token '{}' may not do this: it needs the role {}",
                              caller.token().name, role)});
  reply.headers.emplace_back(kChallenge,
                             fmt::format("Bearer realm=\"gameflow\", error=\"insufficient_scope\", "
                                         "scope=\"{}\"",
                                         role));
  return reply;
}

// Relative, as the page may be below a prefix that only a proxy knows.
Reply to_sign_in(const Request& request) {
  std::string wanted, address;
  for (std::size_t i = 0; i < request.path.size(); ++i) {
    wanted += (i == 0 ? "" : "/") + url_encode(request.path[i]);
    if (i > 0) address += "../";
  }
  for (std::size_t i = 0; i < request.query.size(); ++i)
    wanted += (i == 0 ? '?' : '&') + url_encode(request.query[i].first) + '=' +
              url_encode(request.query[i].second);
  address += kSignInPath.substr(1);
  if (!wanted.empty()) address += "?to=" + url_encode(wanted);
  Reply reply;
  reply.status = 303;
  reply.headers.emplace_back("Location", std::move(address));
  return reply;
}

}  // namespace

std::string_view token_of(const Request& request, bool is_own_page) {
  constexpr std::string_view kBearer = "bearer ";
  const std::string_view header = request.other_header("Authorization");
  std::string_view token;
  // What else a proxy in front has asked for, such as a password, is not for us.
  if (lower_case(header.substr(0, kBearer.size())) == kBearer)
    token = trimmed(header.substr(kBearer.size()));
  else if (is_own_page)
    token = cookie_of(request);
  return token;
}

std::string cookie_header(const Request& request, std::string_view token, bool is_secure) {
  constexpr std::chrono::hours kKept{24 * 30};
  const auto kept = token.empty() ? std::chrono::seconds(0) : std::chrono::seconds(kKept);
  return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{}", cookie_name(request),
                     token, kept.count(), is_secure ? "; Secure" : "");
}

Gate::Gate(auth::Tokens tokens, Stats& stats)
    : stats_(stats), tokens_(std::make_shared<const auth::Tokens>(std::move(tokens))) {}

void Gate::replace(auth::Tokens tokens) {
  auto fresh = std::make_shared<const auth::Tokens>(std::move(tokens));
  const MutexLock lock(mutex_);
  tokens_ = std::move(fresh);
}

std::shared_ptr<const auth::Tokens> Gate::tokens() const {
  const MutexLock lock(mutex_);
  return tokens_;
}

bool Gate::still_admits(const auth::Caller& caller) const {
  return !caller.is_known() || tokens()->has(caller.token());
}

Reply Gate::unknown_token() {
  return unauthorized("Bearer realm=\"gameflow\", error=\"invalid_token\"",
                      "this token is not known here: it was revoked, or is that of another server");
}

tl::expected<auth::Caller, Gate::Refusal> Gate::admit(const Route& route, const Request& request,
                                                      bool is_own_page, const std::string& peer,
                                                      Instant now) {
  if (route.access == Access::kOpen) return auth::Caller();
  const std::string_view text = token_of(request, is_own_page);
  const bool is_page = route.access == Access::kPage;
  if (text.empty()) {
    if (is_page) return tl::unexpected(Refusal{to_sign_in(request)});
    ++stats_.denied_without_token;
    return tl::unexpected(Refusal{no_token()});
  }
  const auth::Caller caller(text.size() <= kTokenBytesMax ? tokens()->find(text) : nullptr);
  if (!caller.is_known()) {
    ++stats_.denied_unknown_token;
    return tl::unexpected(
        Refusal{is_page ? to_sign_in(request) : unknown_token(), count_failure(peer, now)});
  }
  if (caller.may(route.access)) return caller;
  ++stats_.denied_role;
  return tl::unexpected(Refusal{is_page ? to_sign_in(request) : lacks_role(route, caller)});
}

std::chrono::milliseconds Gate::count_failure(const std::string& peer, Instant now) {
  const MutexLock lock(mutex_);
  if (failures_.size() >= kPeersMax && !failures_.contains(peer)) failures_.clear();
  Failures& failures = failures_[peer];
  if (failures.count == 0 || now - failures.since >= kForget) failures = {0, now};
  if (++failures.count <= kFailuresMax) return std::chrono::milliseconds{0};
  ++stats_.slowed;
  if (failures.count == kFailuresMax + 1)
    spdlog::warn("http: {} sends tokens that are not known; they are answered slowly", peer);
  return kPause;
}

}  // namespace gameflow::serve
