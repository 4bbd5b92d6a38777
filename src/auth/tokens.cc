#include "auth/tokens.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "base/byte_order_mark.h"
#include "base/hex.h"
#include "base/number.h"

namespace gameflow::auth {
namespace {

constexpr std::string_view kPrefix = "gf_";
constexpr std::string_view kHashPrefix = "sha256:";
constexpr std::string_view kNameCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
constexpr std::size_t kNameBytesMax = 64;

std::string_view text_of(const std::array<unsigned char, SHA256_DIGEST_LENGTH>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string fault_of_pattern(std::string_view pattern) {
  const std::string allowed = std::string(kNameCharacters) + "*";
  if (!pattern.empty() && pattern.find_first_not_of(allowed) == std::string_view::npos) return {};
  return fmt::format(
      "'{}' is no pattern of topics: it may have letters, digits, '.', '_', '-', and '*' for any "
      "text",
      pattern);
}

// The words of one line, each with the column where it begins.
class Words {
 public:
  explicit Words(std::string_view line) : line_(line) {}

  std::string_view next() {
    at_ = std::min(line_.find_first_not_of(" \t\r", at_), line_.size());
    begin_ = at_;
    at_ = std::min(line_.find_first_of(" \t\r", at_), line_.size());
    return line_.substr(begin_, at_ - begin_);
  }
  std::size_t column() const { return begin_ + 1; }

 private:
  std::string_view line_;
  std::size_t begin_ = 0, at_ = 0;
};

std::string read_roles(std::string_view text, std::vector<Role>& roles) {
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view name = text.substr(begin, end - begin);
    const auto* const role =
        std::ranges::find_if(kRoles, [name](Role each) { return to_string(each) == name; });
    if (role == kRoles.end())
      return fmt::format("'{}' is no role; roles are ingest, read and admin, with ',' between them",
                         name);
    if (std::ranges::find(roles, *role) == roles.end()) roles.push_back(*role);
    begin = end + 1;
  }
  return {};
}

std::string read_hash(std::string_view text, std::string& hash) {
  const bool has_prefix = text.starts_with(kHashPrefix);
  const auto bytes =
      has_prefix ? from_hex(text.substr(kHashPrefix.size())) : std::optional<std::string>();
  if (!bytes || bytes->size() != SHA256_DIGEST_LENGTH)
    return "here stands the token's hash: sha256: and 64 hexadecimal digits";
  hash = *bytes;
  return {};
}

std::string read_amount(std::string_view text, std::uint64_t& amount) {
  const auto number = to_number<std::uint64_t>(text);
  if (!number || *number == 0)
    return fmt::format("'{}' is no quota: it is how many may come in a second, from 1 on", text);
  amount = *number;
  return {};
}

std::string read_setting(std::string_view text, Token& token) {
  const std::size_t equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  const std::string_view value =
      equals == std::string_view::npos ? std::string_view() : text.substr(equals + 1);
  if (name == "topic") {
    token.topics.emplace_back(value);
    return fault_of_pattern(value);
  }
  if (name == "quota-records") return read_amount(value, token.quota.records);
  if (name == "quota-bytes") return read_amount(value, token.quota.bytes);
  if (name == "created") {
    token.created_at = value;
    return {};
  }
  return fmt::format(
      "'{}' is not known; here may stand topic=PATTERN, quota-records=N, quota-bytes=N and "
      "created=TIME",
      name);
}

// What is wrong with the line, at the last word that was read; nothing where it is fine.
std::string read_line(Words& words, Token& token) {
  token.name = words.next();
  if (auto fault = fault_of_name(token.name); !fault.empty()) return fault;
  if (auto fault = read_roles(words.next(), token.roles); !fault.empty()) return fault;
  if (auto fault = read_hash(words.next(), token.hash); !fault.empty()) return fault;
  for (auto word = words.next(); !word.empty(); word = words.next()) {
    if (auto fault = read_setting(word, token); !fault.empty()) return fault;
  }
  return fault_of_topics(token);
}

}  // namespace

Result<std::string> make_token_text() {
  std::array<unsigned char, 32> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    return fail(ErrorCode::kInternal, "the system gives no random bytes to make a token of");
  return std::string(kPrefix) + to_hex(text_of(bytes));
}

std::string hash_of(std::string_view token_text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(token_text.data()), token_text.size(),
         digest.data());
  return std::string(text_of(digest));
}

std::string fault_of_name(std::string_view name) {
  const bool is_fine = !name.empty() && name.size() <= kNameBytesMax &&
                       name.find_first_not_of(kNameCharacters) == std::string_view::npos;
  if (is_fine) return {};
  return fmt::format(
      "'{}' is no name of a token: it may have 1 to {} letters, digits, '.', '_' and '-'",
      name.substr(0, 200), kNameBytesMax);
}

std::string fault_of_topics(const Token& token) {
  if (token.topics.empty()) return {};
  for (const std::string& pattern : token.topics)
    if (auto fault = fault_of_pattern(pattern); !fault.empty()) return fault;
  if (std::ranges::find(token.roles, Role::kIngest) == token.roles.end())
    return "topics bound the role ingest, which this token does not have";
  if (token.has(Role::kAdmin)) return "topics bound nothing of a token with the role admin";
  return {};
}

std::string line_of(const Token& token) {
  std::vector<std::string_view> roles;
  for (const Role role : token.roles) roles.push_back(to_string(role));
  std::string line =
      fmt::format("{} {} {}{}", token.name, fmt::join(roles, ","), kHashPrefix, to_hex(token.hash));
  for (const std::string& topic : token.topics) line += " topic=" + topic;
  if (token.quota.records > 0) line += fmt::format(" quota-records={}", token.quota.records);
  if (token.quota.bytes > 0) line += fmt::format(" quota-bytes={}", token.quota.bytes);
  if (!token.created_at.empty()) line += " created=" + token.created_at;
  return line;
}

Result<Tokens> Tokens::parse(std::string_view text, std::string_view file) {
  Tokens tokens;
  text = without_byte_order_mark(text);
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string_view::npos || line[first] == '#') continue;
    Words words(line);
    Token token;
    std::string fault = read_line(words, token);
    std::size_t column = words.column();
    const auto says = [&](auto member) {
      return std::ranges::any_of(
          tokens.all_, [&](const auto& other) { return (*other).*member == token.*member; });
    };
    if (fault.empty()) column = first + 1;
    if (fault.empty() && says(&Token::name))
      fault = fmt::format("there is a token '{}' above", token.name);
    if (fault.empty() && says(&Token::hash)) fault = "this is the hash of a token above";
    if (fault.empty() && tokens.all_.size() == kTokensMax)
      fault = fmt::format("there are more than {} tokens", kTokensMax);
    if (!fault.empty())
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}:{}:{}: {}", file, number, column, fault));
    tokens.add(std::move(token));
  }
  return tokens;
}

std::shared_ptr<const Token> Tokens::find(std::string_view token_text) const {
  const std::string hash = hash_of(token_text);
  const std::shared_ptr<const Token>* found = nullptr;
  for (const auto& token : all_) {  // all, whichever it is
    const bool is_it = CRYPTO_memcmp(token->hash.data(), hash.data(), hash.size()) == 0;
    found = is_it ? &token : found;
  }
  return found == nullptr ? nullptr : *found;
}

bool Tokens::has(const Token& token) const {
  return std::ranges::any_of(all_, [&](const auto& mine) { return *mine == token; });
}

}  // namespace gameflow::auth
