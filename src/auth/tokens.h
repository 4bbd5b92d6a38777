// Tokens: what somebody has to know to be let in. Their texts are random and never kept: what is
// kept are hashes, in a file that people can read (docs/formats/tokens.md).
//
// Threads  any; values.
// Errors   kInvalidArgument, as "FILE:LINE:COLUMN: what is wrong".
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "auth/access.h"
#include "base/error.h"

namespace gameflow::auth {

inline constexpr std::size_t kTokensMax = 1'000;

// "gf_" and 64 hexadecimal digits, 256 bits that nobody can guess. kInternal: there is no
// randomness.
Result<std::string> make_token_text();
// SHA-256. No salt, and not slow: what is hashed is random, and looked at with each request.
std::string hash_of(std::string_view token_text);

class Tokens {
 public:
  Tokens() = default;
  // Of a file's text; `file` is its name, for messages.
  static Result<Tokens> parse(std::string_view text, std::string_view file);

  // Whose text this is; nothing: nobody's. Takes as long whoever it is.
  std::shared_ptr<const Token> find(std::string_view token_text) const;
  // Whether there is one that is quite the same.
  bool has(const Token& token) const;
  void add(Token token) { all_.push_back(std::make_shared<const Token>(std::move(token))); }
  const std::vector<std::shared_ptr<const Token>>& all() const { return all_; }

 private:
  std::vector<std::shared_ptr<const Token>> all_;
};

// Nothing where it is fine, else what is wrong with it.
std::string fault_of_name(std::string_view name);
std::string fault_of_topics(const Token& token);
// The line of the file that is `token`.
std::string line_of(const Token& token);

}  // namespace gameflow::auth
