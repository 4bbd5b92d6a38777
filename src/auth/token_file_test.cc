#include "auth/token_file.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/hex.h"

namespace gameflow::auth {
namespace {

namespace fs = std::filesystem;

const std::string kHash = std::string(64, 'a'), kOther = std::string(64, 'b');

TEST(Tokens, AreReadFromText) {
  const auto tokens = Tokens::parse(fmt::format("\xef\xbb\xbf# comment\n\n  web ingest sha256:{} "
                                                "topic=a topic=b-* created=2026-11-27T12:00:00Z\r\n"
                                                "ann\tread,admin  sha256:{}",
                                                kHash, kOther),
                                    "f");
  ASSERT_TRUE(tokens) << tokens.error().message;
  ASSERT_EQ(tokens->all().size(), 2u);
  EXPECT_EQ(*tokens->all()[0], (Token{.name = "web",
                                      .roles = {Role::kIngest},
                                      .topics = {"a", "b-*"},
                                      .quota = {},
                                      .hash = *from_hex(kHash),
                                      .created_at = "2026-11-27T12:00:00Z"}));
  EXPECT_EQ(tokens->all()[1]->roles, (std::vector<Role>{Role::kRead, Role::kAdmin}));
  // As they are written.
  EXPECT_EQ(
      line_of(*tokens->all()[0]),
      fmt::format("web ingest sha256:{} topic=a topic=b-* created=2026-11-27T12:00:00Z", kHash));
}

TEST(Tokens, Quotas) {
  const std::string line =
      fmt::format("web ingest sha256:{} topic=a quota-records=50 quota-bytes=1048576", kHash);
  const auto tokens = Tokens::parse(line, "f");
  ASSERT_TRUE(tokens) << tokens.error().message;
  EXPECT_EQ(tokens->all()[0]->quota, (Quota{.records = 50, .bytes = 1'048'576}));
  EXPECT_EQ(line_of(*tokens->all()[0]), line);
}

TEST(Tokens, MistakesHaveTheirPlace) {
  const std::string good = "a read sha256:" + kHash;
  struct Case {
    std::string text, error;
  };
  const Case cases[] = {
      {"a", "f:1:2: '' is no role"},
      {"a/b read sha256:" + kHash, "f:1:1: 'a/b' is no name of a token"},
      {"\n  a reed sha256:" + kHash, "f:2:5: 'reed' is no role; roles are ingest, read and admin"},
      {"a read,", "f:1:3: '' is no role"},
      {"a read " + kHash, "f:1:8: here stands the token's hash"},
      {"a read sha256:abc", "f:1:8: here stands the token's hash"},
      {good + " topics=x", "f:1:80: 'topics' is not known; here may stand topic=PATTERN"},
      {"a ingest sha256:" + kHash + " topic=x/y", "f:1:82: 'x/y' is no pattern of topics"},
      {"a ingest sha256:" + kHash + " topic=", "f:1:82: '' is no pattern of topics"},
      {good + " quota-records=0", "f:1:80: '0' is no quota: it is how many may come in a second"},
      {good + " quota-bytes=1MiB", "f:1:80: '1MiB' is no quota"},
      {good + " topic=x", "topics bound the role ingest, which this token does not have"},
      {"a ingest,admin sha256:" + kHash + " topic=x",
       "topics bound nothing of a token with the role admin"},
      {good + "\na ingest sha256:" + kOther, "f:2:1: there is a token 'a' above"},
      {good + "\nb read sha256:" + kHash, "f:2:1: this is the hash of a token above"},
      {std::string("a\0b read", 8), "is no name of a token"},
  };
  for (const Case& c : cases) {
    const auto tokens = Tokens::parse(c.text, "f");
    ASSERT_FALSE(tokens) << c.text;
    EXPECT_NE(tokens.error().message.find(c.error), std::string::npos) << tokens.error().message;
    EXPECT_EQ(tokens.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(Tokens, AreFoundByTheirText) {
  EXPECT_EQ(to_hex(hash_of("abc")),  // FIPS 180-2
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const std::string one = make_token_text().value(), two = make_token_text().value();
  EXPECT_NE(one, two);
  EXPECT_EQ(one.size(), 67u);
  Tokens tokens;
  EXPECT_EQ(tokens.find(one), nullptr);
  tokens.add({.name = "one",
              .roles = {Role::kRead},
              .topics = {},
              .quota = {},
              .hash = hash_of(one),
              .created_at = {}});
  tokens.add({.name = "two",
              .roles = {Role::kRead},
              .topics = {},
              .quota = {},
              .hash = hash_of(two),
              .created_at = {}});
  EXPECT_EQ(tokens.find(one)->name, "one");
  EXPECT_EQ(tokens.find(two)->name, "two");
  for (const std::string& wrong : {one + " ", one.substr(1), std::string(), to_hex(hash_of(one))})
    EXPECT_EQ(tokens.find(wrong), nullptr) << wrong;
  Token changed = *tokens.find(one);
  EXPECT_TRUE(tokens.has(changed));
  changed.roles = {Role::kAdmin};
  EXPECT_FALSE(tokens.has(changed));
}

class TokenFile : public testing::Test {
 protected:
  TokenFile() : folder_(fs::temp_directory_path() / fmt::format("gameflow-tokens-{}", ::getpid())) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~TokenFile() override { fs::remove_all(folder_); }

  std::string text() const {
    std::ifstream in(file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& text) const { std::ofstream(file_, std::ios::binary) << text; }
  static Token reader(const std::string& name) {
    return {.name = name,
            .roles = {Role::kRead},
            .topics = {},
            .quota = {},
            .hash = {},
            .created_at = {}};
  }

  fs::path folder_, file_ = folder_ / "tokens";
};

TEST_F(TokenFile, TokensComeAndGo) {
  EXPECT_NE(
      read_tokens(file_).error().message.find("gameflow token create NAME --role admin --auth"),
      std::string::npos);
  const std::string ann = create_token(file_, reader("ann")).value();
  const std::string bob = create_token(file_, reader("bob")).value();
  struct stat found = {};
  ASSERT_EQ(::stat(file_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
  EXPECT_EQ(text().find(ann), std::string::npos);
  EXPECT_EQ(read_tokens(file_)->find(bob)->name, "bob");
  EXPECT_NE(create_token(file_, reader("bob")).error().message.find("there is a token 'bob'"),
            std::string::npos);
  ASSERT_TRUE(revoke_token(file_, "ann"));
  EXPECT_EQ(read_tokens(file_)->find(ann), nullptr);
  EXPECT_EQ(read_tokens(file_)->find(bob)->name, "bob");
  EXPECT_NE(revoke_token(file_, "bop").error().message.find("did you mean 'bob'"),
            std::string::npos);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

TEST_F(TokenFile, WhatPeopleWroteStays) {
  const std::string before = "# ours\n", last = "# end, without a line break";
  write(
      "\xef\xbb\xbf"
      "a read sha256:" +
      kHash + "\n" + before + "b read sha256:" + kOther + "\n" + last);
  fs::permissions(file_, fs::perms::owner_all | fs::perms::group_read, fs::perm_options::replace);
  ASSERT_TRUE(create_token(file_, reader("c")));
  ASSERT_TRUE(revoke_token(file_, "a"));
  ASSERT_TRUE(revoke_token(file_, "c"));
  ASSERT_TRUE(revoke_token(file_, "b"));
  EXPECT_EQ(text(), before + last + "\n");
  EXPECT_EQ(fs::status(file_).permissions(), fs::perms::owner_all | fs::perms::group_read);
}

TEST_F(TokenFile, ALinkStaysOne) {
  const fs::path link = folder_ / "link";
  write("");
  fs::create_symlink(file_, link);
  ASSERT_TRUE(create_token(link, reader("a")));
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(read_tokens(file_)->all().size(), 1u);
}

TEST_F(TokenFile, NothingIsWrittenOverAMistake) {
  write("a reed\n");
  EXPECT_NE(create_token(file_, reader("b")).error().message.find("tokens:1:3: 'reed'"),
            std::string::npos);
  EXPECT_EQ(text(), "a reed\n");
  Token bad = reader("b");
  bad.topics = {"x"};
  EXPECT_FALSE(create_token(file_, bad));
  EXPECT_FALSE(create_token(file_, reader("a b")));
}

TEST_F(TokenFile, OthersMayNotWriteIt) {
  write("a read sha256:" + kHash);
  ASSERT_EQ(::chmod(file_.c_str(), 0666), 0);
  EXPECT_NE(read_tokens(file_).error().message.find("chmod o-w"), std::string::npos);
}

TEST_F(TokenFile, ManyAtOnceLoseNothing) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([this, i] {
      for (int j = 0; j < 10; ++j)
        EXPECT_TRUE(create_token(file_, reader(fmt::format("t{}-{}", i, j))));
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(read_tokens(file_)->all().size(), 40u);
}

}  // namespace
}  // namespace gameflow::auth
