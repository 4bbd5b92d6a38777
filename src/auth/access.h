// Who may do what: what is needed for something, what a token allows, and who is asking.
//
// Threads  any; values.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gameflow::auth {

// What is needed for something. Each route says it of itself (serve/route.h).
enum class Access : std::uint8_t {
  kOpen,       // nothing: probes, and files that hold no data
  kIngest,     // to write, to some topics at least: which ones is looked at for each record
  kIngestAll,  // to write to every topic: a program of one's own, such as a connector
  kRead,       // to see everything
  kPage,       // likewise, for a person: who may not is shown where to sign in
  kAdmin,      // to make and delete things
};

enum class Role : std::uint8_t { kIngest, kRead, kAdmin };
inline constexpr std::array kRoles{Role::kIngest, Role::kRead, Role::kAdmin};

std::string_view to_string(Role role);      // "ingest"
std::string_view to_string(Access access);  // "ingest-all"
// The role whose tokens have it; not of kOpen, which needs none.
Role role_for(Access access);

// How much may be sent in a second; 0: any number.
struct Quota {
  std::uint64_t records = 0, bytes = 0;  // of bodies, unpacked

  bool bounds() const { return records > 0 || bytes > 0; }
  friend bool operator==(const Quota&, const Quota&) = default;
};

// What is known of a token, which is not its text.
struct Token {
  std::string name;
  std::vector<Role> roles;
  // Of Role::kIngest: patterns of the topics that may be written, '*' being any text; empty: all.
  std::vector<std::string> topics;
  Quota quota;             // of all who use it together
  std::string hash;        // SHA-256 of its text, 32 bytes
  std::string created_at;  // as people read it; empty: unknown

  bool has(Role role) const;
  friend bool operator==(const Token&, const Token&) = default;
};

// Whether `topic` is one of those that `pattern` stands for.
bool matches(std::string_view pattern, std::string_view topic);

// Somebody who asks for something: by default somebody without a token.
class Caller {
 public:
  Caller() = default;
  explicit Caller(std::shared_ptr<const Token> token) : token_(std::move(token)) {}
  // Where nobody is asked who they are, everybody may do everything.
  static Caller anyone();

  bool is_known() const { return token_ != nullptr; }
  bool may(Access access) const;
  // kForbidden, with the reason: no records of theirs go to `topic`.
  Status check_write(std::string_view topic) const;
  bool may_write_all() const { return may(Access::kIngestAll); }
  // Of a caller that is known.
  const Token& token() const { return *token_; }

 private:
  std::shared_ptr<const Token> token_;
};

}  // namespace gameflow::auth
