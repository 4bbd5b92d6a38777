#include "spec/cpp_lexer.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace gameflow::spec {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_word_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool is_word(char c) {
  return is_word_start(c) || is_digit(c);
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  std::vector<Token> run() {
    while (skip_space_and_comments()) {
      const std::size_t start = at_;
      const TokenKind kind = scan();
      tokens_.push_back({kind, source_.substr(start, at_ - start), start});
      line_starts_ = false;
    }
    return std::move(tokens_);
  }

 private:
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }

  // False at the end of the source.
  bool skip_space_and_comments() {
    while (at_ < source_.size()) {
      if (peek() == '\n') line_starts_ = true;
      if (is_space(peek())) {
        ++at_;
      } else if (peek() == '/' && peek(1) == '/') {
        skip_line();
      } else if (peek() == '/' && peek(1) == '*') {
        const std::size_t end = source_.find("*/", at_ + 2);
        if (end == std::string_view::npos) return true;  // a token: it hides the rest
        at_ = end + 2;
      } else {
        return true;
      }
    }
    return false;
  }

  // To the line's end, going on after a backslash.
  void skip_line() {
    while (at_ < source_.size() && peek() != '\n') at_ += peek() == '\\' ? 2 : 1;
    at_ = std::min(at_, source_.size());
  }

  TokenKind scan() {
    if (peek() == '#' && line_starts_) {
      skip_line();
      return TokenKind::kDirective;
    }
    if (is_word_start(peek())) return scan_word();
    if (is_digit(peek()) || (peek() == '.' && is_digit(peek(1)))) return scan_number();
    if (peek() == '/' && peek(1) == '*') {
      at_ = source_.size();
      return TokenKind::kUnclosed;
    }
    if (peek() == '"') return scan_quoted('"', TokenKind::kString);
    if (peek() == '\'') return scan_quoted('\'', TokenKind::kCharacter);
    const bool pair = (peek() == ':' && peek(1) == ':') || (peek() == '-' && peek(1) == '>');
    at_ += pair ? 2 : 1;
    return TokenKind::kSymbol;
  }

  // A word, or a literal with a prefix: u8R"(...)", L'x'.
  TokenKind scan_word() {
    const std::size_t start = at_;
    while (is_word(peek())) ++at_;
    const std::string_view word = source_.substr(start, at_ - start);
    const bool raw = word == "R" || word == "u8R" || word == "uR" || word == "UR" || word == "LR";
    if (raw && peek() == '"') return scan_raw_string();
    const bool prefix = word == "u8" || word == "u" || word == "U" || word == "L";
    if (prefix && peek() == '"') return scan_quoted('"', TokenKind::kString);
    if (prefix && peek() == '\'') return scan_quoted('\'', TokenKind::kCharacter);
    return TokenKind::kWord;
  }

  TokenKind scan_number() {
    const auto continues = [this] {
      if (is_word(peek()) || peek() == '.') return true;
      if (peek() == '\'') return is_word(peek(1));
      const char before = source_[at_ - 1];
      const bool exponent = before == 'e' || before == 'E' || before == 'p' || before == 'P';
      return exponent && (peek() == '+' || peek() == '-');
    };
    do ++at_;
    while (at_ < source_.size() && continues());
    return TokenKind::kNumber;
  }

  // Ends with its line at the latest.
  TokenKind scan_quoted(char quote, TokenKind kind) {
    ++at_;
    while (at_ < source_.size() && peek() != quote && peek() != '\n') at_ += peek() == '\\' ? 2 : 1;
    at_ = std::min(at_, source_.size());
    if (peek() != quote) return TokenKind::kUnclosed;
    ++at_;
    return kind;
  }

  TokenKind scan_raw_string() {
    const std::size_t open = source_.find('(', at_);
    if (open == std::string_view::npos) return scan_quoted('"', TokenKind::kString);
    std::string close(source_.substr(at_, open - at_ + 1));  // "x(   becomes   )x"
    std::swap(close.front(), close.back());
    close.front() = ')';
    const std::size_t end = source_.find(close, open);
    at_ = end == std::string_view::npos ? source_.size() : end + close.size();
    return end == std::string_view::npos ? TokenKind::kUnclosed : TokenKind::kString;
  }

  std::string_view source_;
  std::size_t at_ = 0;
  bool line_starts_ = true;  // only white space since the last line break
  std::vector<Token> tokens_;
};

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (code >> 18 & 0x07));
    out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

// Up to `digits_max` digits of `base` from text[at], moving `at` behind them.
std::uint32_t read_digits(std::string_view text, std::size_t& at, int base, int digits_max) {
  std::uint32_t value = 0;
  for (; digits_max > 0 && at < text.size(); --digits_max, ++at) {
    const char c = text[at];
    int digit = -1;
    if (is_digit(c)) digit = c - '0';
    if (c >= 'a' && c <= 'f') digit = c - 'a' + 10;
    if (c >= 'A' && c <= 'F') digit = c - 'A' + 10;
    if (digit < 0 || digit >= base) break;
    value = value * static_cast<std::uint32_t>(base) + static_cast<std::uint32_t>(digit);
  }
  return value;
}

// Appends what the character or escape at text[at] stands for, moving `at` behind it.
void append_character(std::string& value, std::string_view text, std::size_t& at) {
  constexpr std::string_view kNames = "abfnrtv0", kValues{"\a\b\f\n\r\t\v\0", 8};
  if (text[at] != '\\' || at + 1 == text.size()) {
    value += text[at++];
    return;
  }
  const char c = text[++at];
  if (c == 'x') {
    value += static_cast<char>(read_digits(text, ++at, 16, 8));
  } else if (c == 'u' || c == 'U') {
    append_utf8(value, read_digits(text, ++at, 16, c == 'u' ? 4 : 8));
  } else if (c >= '0' && c <= '7') {
    value += static_cast<char>(read_digits(text, at, 8, 3));
  } else {
    const std::size_t named = kNames.find(c);
    if (c != '\n') value += named == std::string_view::npos ? c : kValues[named];
    ++at;
  }
}

}  // namespace

std::vector<Token> tokenize(std::string_view source) {
  return Lexer(source).run();
}

std::string string_value(std::string_view literal, std::vector<std::size_t>* offsets) {
  const std::size_t quote = std::min(literal.find('"'), literal.size());
  std::size_t at = std::min(quote + 1, literal.size());
  std::size_t end = literal.size();
  const bool raw = quote > 0 && literal[quote - 1] == 'R';
  if (raw) {
    const std::size_t open = literal.find('(', at);
    if (open != std::string_view::npos) {
      const std::string close = fmt::format("){}\"", literal.substr(at, open - at));
      at = open + 1;
      if (literal.substr(at).ends_with(close)) end -= close.size();
    }
  } else if (literal.substr(at).ends_with('"')) {
    --end;
  }
  std::string value;
  while (at < end) {
    const std::size_t start = at;
    if (raw) {
      value += literal[at++];
    } else {
      append_character(value, literal.substr(0, end), at);
    }
    if (offsets != nullptr) offsets->resize(value.size(), start);
  }
  return value;
}

}  // namespace gameflow::spec
