#include "auth/access.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace gameflow::auth {
namespace {

Caller caller(std::vector<Role> roles, std::vector<std::string> topics = {}) {
  return Caller(std::make_shared<const Token>(Token{.name = "t",
                                                    .roles = std::move(roles),
                                                    .topics = std::move(topics),
                                                    .hash = {},
                                                    .created_at = {}}));
}

TEST(Access, OfEachRole) {
  struct Case {
    std::string name;
    Caller caller;
    std::string may;  // the letters of open, ingest, ingest-All, read, page, admin (D)
  };
  const Case cases[] = {
      {"nobody", Caller(), "O"},
      {"where nobody is asked", Caller::anyone(), "OIARPD"},
      {"ingest", caller({Role::kIngest}), "OIA"},
      {"ingest of some topics", caller({Role::kIngest}, {"a"}), "OI"},
      {"read", caller({Role::kRead}), "ORP"},
      {"admin", caller({Role::kAdmin}), "OIARPD"},
      {"two roles", caller({Role::kIngest, Role::kRead}), "OIARP"},
      {"two roles, some topics", caller({Role::kIngest, Role::kRead}, {"a"}), "OIRP"},
  };
  const std::pair<char, Access> all[] = {{'O', Access::kOpen},      {'I', Access::kIngest},
                                         {'A', Access::kIngestAll}, {'R', Access::kRead},
                                         {'P', Access::kPage},      {'D', Access::kAdmin}};
  for (const Case& c : cases) {
    std::string may;
    for (const auto& [letter, access] : all)
      if (c.caller.may(access)) may += letter;
    EXPECT_EQ(may, c.may) << c.name;
  }
}

TEST(Access, ToTopics) {
  struct Case {
    std::string name;
    Caller caller;
    std::string topic, error;  // empty: it may write there
  };
  const Caller some = caller({Role::kIngest}, {"player-*", "x"});
  const Case cases[] = {
      {"all", caller({Role::kIngest}), "x", ""},
      {"admin", caller({Role::kAdmin}), "x", ""},
      {"one of a pattern", some, "player-events", ""},
      {"one by name", some, "x", ""},
      {"another", some, "xy", "the token 't' may not write to topic 'xy'; only to player-*, x"},
      {"none", some, "", "the token 't' may not write to topic ''; only to player-*, x"},
      {"read", caller({Role::kRead}), "x", "this needs a token with the role ingest"},
      {"nobody", Caller(), "x", "this needs a token with the role ingest"},
  };
  for (const Case& c : cases) {
    const Status status = c.caller.check_write(c.topic);
    EXPECT_EQ(status ? "" : status.error().message, c.error) << c.name;
    EXPECT_TRUE(status || status.error().code == ErrorCode::kForbidden) << c.name;
  }
}

TEST(Access, Patterns) {
  struct Case {
    std::string pattern, topic;
    bool matches;
  };
  const Case cases[] = {
      {"a", "a", true},
      {"a", "b", false},
      {"a", "aa", false},
      {"a*", "a", true},
      {"a*", "abc", true},
      {"a*", "ba", false},
      {"*", "", true},
      {"*", "x", true},
      {"*-events", "p-events", true},
      {"*-events", "p-event", false},
      {"a*c*e", "abcde", true},
      {"a*c*e", "abcd", false},
      {"a*bc", "abcbc", true},
      {"a**b", "ab", true},
      {"", "", true},
      {"", "a", false},
      {"*a*a*a*a*b", std::string(60, 'a'), false},
  };
  for (const Case& c : cases)
    EXPECT_EQ(matches(c.pattern, c.topic), c.matches) << c.pattern << " " << c.topic;
}

}  // namespace
}  // namespace gameflow::auth
