// Who is let in, and what those are told who are not.
#include "serve/gate.h"

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "auth/tokens.h"

namespace gameflow::serve {
namespace {

using namespace std::chrono_literals;
using auth::Role;

auth::Tokens some_tokens() {
  auth::Tokens tokens;
  const auto add = [&](std::string name, std::vector<Role> roles, std::vector<std::string> topics) {
    tokens.add({.name = name,
                .roles = std::move(roles),
                .topics = std::move(topics),
                .hash = auth::hash_of("text of " + name),
                .created_at = {}});
  };
  add("game", {Role::kIngest}, {"a"});
  add("reader", {Role::kRead}, {});
  add("ann", {Role::kAdmin}, {});
  return tokens;
}

using Texts = std::map<std::string, std::string>;

// A request with these headers.
class Asked {
 public:
  explicit Asked(Texts headers, std::string host = "localhost:3001")
      : headers_(std::move(headers)) {
    request.host = std::move(host);
    request.path = {"dash", "a b"};
    request.query = {{"x", "1&2"}};
    request.other_header = [this](std::string_view name) -> std::string_view {
      const auto found = headers_.find(std::string(name));
      return found == headers_.end() ? std::string_view() : std::string_view(found->second);
    };
  }
  Asked(const Asked&) = delete;
  Request request;

 private:
  Texts headers_;
};

std::string header(const Reply& reply, std::string_view name) {
  for (const auto& [field, value] : reply.headers)
    if (field == name) return value;
  return {};
}

class GateTest : public testing::Test {
 protected:
  auto admit(const Request& request, Access access, bool own = true,
             const std::string& peer = "1.2.3.4") {
    const Route route{Method::kGet, "/x", access, "", Quick{}};
    return gate.admit(route, request, own, peer, now);
  }

  Connections connections{10, 0};
  Stats stats{connections};
  Gate gate{some_tokens(), stats};
  Gate::Instant now{};
};

TEST_F(GateTest, FindsTheToken) {
  struct Case {
    std::string name;
    Texts headers;
    bool own;
    std::string token;
  };
  const Case cases[] = {
      {"none", {}, true, ""},
      {"bearer", {{"Authorization", "Bearer t"}}, false, "t"},
      {"in any case", {{"Authorization", "bEARER  t "}}, false, "t"},
      {"a password of a proxy", {{"Authorization", "Basic t"}}, true, ""},
      {"a cookie", {{"Cookie", "gameflow-3001=t"}}, true, "t"},
      {"among others", {{"Cookie", "a=b; gameflow-3001=t; c=d"}}, true, "t"},
      {"of another port", {{"Cookie", "gameflow-3002=t; gameflow=t"}}, true, ""},
      {"of a longer name", {{"Cookie", "xgameflow-3001=t; gameflow-30011=t"}}, true, ""},
      {"of a page elsewhere", {{"Cookie", "gameflow-3001=t"}}, false, ""},
      {"a header before a cookie",
       {{"Authorization", "Bearer t"}, {"Cookie", "gameflow-3001=u"}},
       true,
       "t"},
      {"a cookie behind a proxy's password",
       {{"Authorization", "Basic x"}, {"Cookie", "gameflow-3001=u"}},
       true,
       "u"},
      {"odd cookies", {{"Cookie", ";;=;gameflow-3001"}}, true, ""},
  };
  for (const Case& c : cases) {
    const Asked asked(c.headers);
    EXPECT_EQ(token_of(asked.request, c.own), c.token) << c.name;
  }
}

TEST_F(GateTest, Cookies) {
  const auto cookie = [](const std::string& host, std::string_view token, bool is_secure) {
    const Asked asked(Texts{}, host);
    return cookie_header(asked.request, token, is_secure);
  };
  EXPECT_EQ(cookie("localhost:3001", "t", false),
            "gameflow-3001=t; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict");
  EXPECT_EQ(cookie("stats.example", "t", true),
            "gameflow=t; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict; Secure");
  EXPECT_EQ(cookie("[::1]", "t", false).substr(0, 10), "gameflow=t");
  EXPECT_EQ(cookie("[::1]:80", "t", false).substr(0, 13), "gameflow-80=t");
  EXPECT_EQ(cookie("h:80;x", "", false), "gameflow=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
}

TEST_F(GateTest, TellsWhy) {
  struct Case {
    std::string name, token;
    Access access;
    unsigned status;  // 0: let in
    std::string challenge, message;
  };
  const Case cases[] = {
      {"open", "", Access::kOpen, 0, "", ""},
      {"open, whatever it brings", "wrong", Access::kOpen, 0, "", ""},
      {"let in", "text of reader", Access::kRead, 0, "", ""},
      {"without", "", Access::kRead, 401, R"(Bearer realm="gameflow")",
       "Authorization: Bearer TOKEN"},
      {"unknown", "wrong", Access::kRead, 401, R"(Bearer realm="gameflow", error="invalid_token")",
       "not known here"},
      {"too long", std::string(10'000, 'x'), Access::kRead, 401,
       R"(Bearer realm="gameflow", error="invalid_token")", ""},
      {"another role", "text of reader", Access::kAdmin, 403,
       R"(Bearer realm="gameflow", error="insufficient_scope", scope="admin")",
       "the token 'reader' may not do this: it needs the role admin"},
      {"some topics", "text of game", Access::kIngestAll, 403,
       R"(Bearer realm="gameflow", error="insufficient_scope", scope="ingest")",
       "the token 'game' may write to some topics only"},
  };
  for (const Case& c : cases) {
    const Asked asked(c.token.empty() ? Texts() : Texts{{"Authorization", "Bearer " + c.token}});
    const auto caller = admit(asked.request, c.access);
    EXPECT_EQ(caller ? 0 : caller.error().reply.status, c.status) << c.name;
    if (caller) continue;
    EXPECT_EQ(header(caller.error().reply, "WWW-Authenticate"), c.challenge) << c.name;
    EXPECT_NE(caller.error().reply.body.find(c.message), std::string::npos)
        << caller.error().reply.body;
  }
  EXPECT_EQ(stats.denied_without_token, 1u);
  EXPECT_EQ(stats.denied_unknown_token, 2u);
  EXPECT_EQ(stats.denied_role, 2u);
}

TEST_F(GateTest, PeopleAreSentToSignIn) {
  const Asked asked(Texts{});
  const auto caller = admit(asked.request, Access::kPage);
  ASSERT_FALSE(caller);
  EXPECT_EQ(caller.error().reply.status, 303u);
  EXPECT_EQ(header(caller.error().reply, "Location"), "../sign-in?to=dash%2Fa%2520b%3Fx%3D1%25262");
}

TEST_F(GateTest, ManyWrongTokensOfOneAddressAreSlowed) {
  const Asked wrong(Texts{{"Authorization", "Bearer wrong"}}),
      right(Texts{{"Authorization", "Bearer text of ann"}});
  const auto pause = [&](const std::string& peer) {
    return admit(wrong.request, Access::kRead, true, peer).error().pause;
  };
  for (std::size_t i = 0; i < Gate::kFailuresMax; ++i) EXPECT_EQ(pause("a"), 0ms);
  EXPECT_EQ(pause("a"), Gate::kPause);
  EXPECT_EQ(pause("b"), 0ms);
  // A right one never waits, and changes nothing for the others.
  EXPECT_TRUE(admit(right.request, Access::kRead, true, "a"));
  EXPECT_EQ(pause("a"), Gate::kPause);
  now += Gate::kForget;
  EXPECT_EQ(pause("a"), 0ms);
  EXPECT_EQ(stats.slowed, 2u);
  // No more is kept than that.
  for (int i = 0; i < 30'000; ++i) pause(std::to_string(i));
}

TEST_F(GateTest, ReplacedTokens) {
  const Asked right(Texts{{"Authorization", "Bearer text of reader"}});
  const auth::Caller before = admit(right.request, Access::kRead).value();
  EXPECT_TRUE(gate.still_admits(before));
  gate.replace(some_tokens());
  EXPECT_TRUE(gate.still_admits(before));
  auth::Tokens others;
  others.add({.name = "reader",
              .roles = {Role::kIngest},
              .topics = {},
              .quota = {},
              .hash = auth::hash_of("text of reader"),
              .created_at = {}});
  gate.replace(others);
  EXPECT_FALSE(gate.still_admits(before));
  EXPECT_EQ(admit(right.request, Access::kRead).error().reply.status, 403u);
  gate.replace({});
  EXPECT_EQ(admit(right.request, Access::kRead).error().reply.status, 401u);
  EXPECT_TRUE(gate.still_admits(auth::Caller()));
}

}  // namespace
}  // namespace gameflow::serve
