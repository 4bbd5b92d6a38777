#include "auth/access.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/check.h"

namespace gameflow::auth {

std::string_view to_string(Role role) {
  switch (role) {
    case Role::kIngest:
      return "ingest";
    case Role::kRead:
      return "read";
    case Role::kAdmin:
      return "admin";
  }
  return "";
}

std::string_view to_string(Access access) {
  switch (access) {
    case Access::kOpen:
      return "open";
    case Access::kIngest:
      return "ingest";
    case Access::kIngestAll:
      return "ingest-all";
    case Access::kRead:
    case Access::kPage:
      return "read";
    case Access::kAdmin:
      return "admin";
  }
  return "";
}

Role role_for(Access access) {
  GF_CHECK(access != Access::kOpen);
  if (access == Access::kAdmin) return Role::kAdmin;
  return access == Access::kIngest || access == Access::kIngestAll ? Role::kIngest : Role::kRead;
}

bool Token::has(Role role) const {
  return std::ranges::any_of(roles,
                             [role](Role mine) { return mine == role || mine == Role::kAdmin; });
}

// Goes back to the last star only: it may take all that those before it could.
bool matches(std::string_view pattern, std::string_view topic) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, taken = 0;
  while (t < topic.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = t;
    } else if (p < pattern.size() && pattern[p] == topic[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

Caller Caller::anyone() {
  static const auto kAnyone = std::make_shared<const Token>(Token{.name = {},
                                                                  .roles = {Role::kAdmin},
                                                                  .topics = {},
                                                                  .quota = {},
                                                                  .hash = {},
                                                                  .created_at = {}});
  return Caller(kAnyone);
}

bool Caller::may(Access access) const {
  if (access == Access::kOpen) return true;
  if (token_ == nullptr || !token_->has(role_for(access))) return false;
  return access != Access::kIngestAll || token_->topics.empty() || token_->has(Role::kAdmin);
}

Status Caller::check_write(std::string_view topic) const {
  if (may(Access::kIngestAll)) return {};
  const bool is_one = may(Access::kIngest) &&
                      std::ranges::any_of(token_->topics, [topic](const std::string& pattern) {
                        return matches(pattern, topic);
                      });
  if (is_one) return {};
  if (!may(Access::kIngest))
    return fail(ErrorCode::kForbidden, "this needs a token with the role ingest");
  return fail(ErrorCode::kForbidden,
              fmt::format("the token '{}' may not write to topic '{}'; only to {}", token_->name,
                          topic.substr(0, 200), fmt::join(token_->topics, ", ")));
}

}  // namespace gameflow::auth
