// Tokens of C++: just enough to find the function of a `run:` block, its queries, and what is not
// C++ at all. Comments and white space are skipped; nothing is expanded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gameflow::spec {

enum class TokenKind : std::uint8_t {
  kWord,  // identifier or keyword
  kNumber,
  kString,  // with prefix and quotes; raw strings too
  kCharacter,
  kSymbol,     // one character, but `::` and `->` are one token
  kDirective,  // a whole preprocessor line, with its continuations
  kUnclosed,   // a string or character up to its line's end, a comment or raw string up to the
               // source's
};

struct Token {
  TokenKind kind;
  std::string_view text;  // a view into the source
  std::size_t offset;     // of `text` in the source, bytes
};

inline bool is_symbol(const Token& token, std::string_view text) {
  return token.kind == TokenKind::kSymbol && token.text == text;
}

// Never fails: what is not C++ comes out as symbols.
std::vector<Token> tokenize(std::string_view source);

// The characters that a string literal stands for, escapes resolved; `offsets` gets where in the
// literal each of its bytes comes from.
std::string string_value(std::string_view literal, std::vector<std::size_t>* offsets = nullptr);

}  // namespace gameflow::spec
