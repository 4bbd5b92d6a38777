#include "opbuild/block.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "spec/cpp_lexer.h"

namespace gameflow::opbuild {
namespace {

using spec::is_symbol;
using spec::Token;
using spec::TokenKind;

bool opens(const Token& token) {
  return is_symbol(token, "(") || is_symbol(token, "[") || is_symbol(token, "{");
}

bool closes(const Token& token) {
  return is_symbol(token, ")") || is_symbol(token, "]") || is_symbol(token, "}");
}

bool is_pair(std::string_view open, std::string_view close) {
  return (open == "(" && close == ")") || (open == "[" && close == "]") ||
         (open == "{" && close == "}");
}

std::string_view first_word(std::string_view text) {
  const auto is_word = [](char c) {
    return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0;
  };
  const auto* const end = std::ranges::find_if_not(text, is_word);
  return text.substr(0, static_cast<std::size_t>(end - text.begin()));
}

// "include" of `#  include <map>`, with what follows it in `rest`.
std::string_view directive_name(std::string_view directive, std::string_view* rest = nullptr) {
  const auto skip_blanks = [&] {
    directive.remove_prefix(std::min(directive.find_first_not_of(" \t"), directive.size()));
  };
  directive.remove_prefix(1);
  skip_blanks();
  const std::string_view name = first_word(directive);
  directive.remove_prefix(name.size());
  skip_blanks();
  if (rest != nullptr) *rest = directive;
  return name;
}

bool is_include(std::string_view directive) {
  return directive_name(directive) == "include";
}

std::string_view what_is(const Token& unclosed) {
  if (unclosed.text.starts_with("/*")) return "comment";
  return unclosed.text.starts_with("'") ? "character" : "string";
}

spec::Diagnostic mistake(const spec::Code& code, const Token& token, std::string message,
                         std::string hint = "") {
  return {.severity = spec::Severity::kError,
          .position = position_of(code, token.offset),
          .length = static_cast<std::uint32_t>(std::min(token.text.find('\n'), token.text.size())),
          .message = std::move(message),
          .hint = std::move(hint)};
}

// The first bracket without a partner, or string or comment without an end: left to the compiler,
// it would be reported far from here.
// Preprocessor conditionals may balance brackets in ways that only the compiler can see.
std::optional<spec::Diagnostic> check_brackets(const spec::Code& code,
                                               const std::vector<Token>& tokens) {
  std::vector<const Token*> open;
  for (const Token& token : tokens) {
    if (token.kind == TokenKind::kDirective && !is_include(token.text) &&
        directive_name(token.text) != "pragma")
      return std::nullopt;
    if (token.kind == TokenKind::kUnclosed)
      return mistake(code, token, fmt::format("this {} does not end", what_is(token)));
    if (opens(token)) open.push_back(&token);
    if (!closes(token)) continue;
    if (open.empty()) {
      return mistake(code, token,
                     fmt::format("'{}' closes nothing in this run: block", token.text));
    }
    if (!is_pair(open.back()->text, token.text)) {
      const spec::Position position = position_of(code, open.back()->offset);
      return mistake(code, token,
                     fmt::format("'{}' does not close the '{}' of line {}", token.text,
                                 open.back()->text, position.line));
    }
    open.pop_back();
  }
  if (open.empty()) return std::nullopt;
  return mistake(code, *open.back(),
                 fmt::format("'{}' is not closed in this run: block", open.back()->text));
}

// The index of the token that closes the bracket at `open`, or the last one's.
std::size_t closing(std::span<const Token> tokens, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < tokens.size(); ++i) {
    if (opens(tokens[i])) ++depth;
    if (closes(tokens[i]) && --depth == 0) return i;
  }
  return tokens.size() - 1;
}

// The index behind the `>` of the template arguments or parameters that open at `open`; `open`
// itself where it is no such bracket.
std::size_t behind_angles(std::span<const Token> tokens, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < tokens.size(); ++i) {
    if (opens(tokens[i])) i = closing(tokens, i);
    if (is_symbol(tokens[i], "<")) ++depth;
    if (is_symbol(tokens[i], ">") && --depth == 0) return i + 1;
    if (is_symbol(tokens[i], ";")) break;
  }
  return open + 1;
}

bool any_of(const Token& token, std::span<const std::string_view> words) {
  return token.kind == TokenKind::kWord && std::ranges::find(words, token.text) != words.end();
}

// The name of the function whose head (everything before its `{`) is `head`; null where that is not
// the head of a free function.
const Token* function_name(std::span<const Token> head) {
  static constexpr std::array<std::string_view, 7> kNoFunction{
      "namespace", "extern", "operator", "concept", "using", "static_assert", "friend"};
  static constexpr std::array<std::string_view, 7> kNoName{
      "decltype", "noexcept", "alignas", "requires", "explicit", "__attribute__", "catch"};
  const Token* name = nullptr;
  for (std::size_t i = 0; i < head.size(); ++i) {
    const Token& token = head[i];
    if (any_of(token, kNoFunction) || is_symbol(token, "=")) return nullptr;
    if (is_symbol(token, "(")) {
      const Token* before = i > 0 ? &head[i - 1] : nullptr;
      if (name == nullptr && before != nullptr && before->kind == TokenKind::kWord &&
          !any_of(*before, kNoName)) {
        name = before;
      }
      i = closing(head, i);
    } else if (is_symbol(token, "[")) {
      i = closing(head, i);
    } else if (is_symbol(token, "<")) {
      i = behind_angles(head, i) - 1;
    }
  }
  return name;
}

// The name of the last function defined at namespace scope.
const Token* last_function(std::span<const Token> tokens) {
  const Token* found = nullptr;
  std::size_t start = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (is_symbol(tokens[i], "{")) {
      if (const Token* name = function_name(tokens.subspan(start, i - start))) found = name;
      i = closing(tokens, i);
      // `struct A {...};` and `int x{1};` end with the `;`, which starts a statement without a
      // head.
      start = i + 1;
    } else if (is_symbol(tokens[i], ";") || tokens[i].kind == TokenKind::kDirective) {
      start = i + 1;
    } else if (opens(tokens[i])) {
      i = closing(tokens, i);
    }
  }
  return found;
}

// Variables that keep a value between calls: shared by all threads, and gone after a restart. What
// is `static` and followed by `(` may be a function, and is left to the docs.
void check_statics(const spec::Code& code, std::span<const Token> tokens, Block& block) {
  static constexpr std::array<std::string_view, 2> kKept{"static", "thread_local"};
  static constexpr std::array<std::string_view, 4> kInArena{"Text", "List", "Optional", "Bytes"};
  static constexpr std::array<std::string_view, 2> kConst{"const", "constinit"};
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (!any_of(tokens[i], kKept)) continue;
    bool is_const = false, is_constexpr = false, is_in_arena = false;
    std::size_t end = i;
    while (end > 0 && tokens[end - 1].kind == TokenKind::kWord) --end;  // `const static`
    while (end < tokens.size() && (tokens[end].kind == TokenKind::kWord ||
                                   is_symbol(tokens[end], "::") || is_symbol(tokens[end], "<") ||
                                   is_symbol(tokens[end], "*") || is_symbol(tokens[end], "&"))) {
      is_const |= any_of(tokens[end], kConst);
      is_constexpr |= tokens[end].text == "constexpr";
      is_in_arena |= any_of(tokens[end], kInArena);
      end = is_symbol(tokens[end], "<") ? behind_angles(tokens, end) : end + 1;
    }
    const bool is_function = end == tokens.size() || is_symbol(tokens[end], "(");
    if (!is_constexpr && !is_function && !is_const) {
      block.mistakes.push_back(mistake(code, tokens[i],
                                       "this variable keeps its value between calls",
                                       "keep it in a state; a constant is 'const' or 'constexpr'"));
    } else if (!is_constexpr && !is_function && is_in_arena) {
      block.mistakes.push_back(
          mistake(code, tokens[i], "this constant outlives the memory of the call that makes it",
                  "put it before the function, without 'static'"));
    }
    i = end;
  }
}

void take_directives(const spec::Code& code, const std::vector<Token>& tokens, Block& block) {
  for (const Token& token : tokens) {
    if (token.kind != TokenKind::kDirective) continue;
    std::string_view rest;
    const std::string_view name = directive_name(token.text, &rest);
    if (name == "line")
      block.mistakes.push_back(mistake(code, token, "#line would misplace every message"));
    if (name == "define") block.macros.emplace_back(first_word(rest));
    const bool is_guard = name == "pragma" && rest.starts_with("once");
    if (name != "include" && !is_guard) continue;
    if (!is_guard)
      block.includes.push_back({std::string(token.text), position_of(code, token.offset)});
    for (std::size_t i = 0; i < token.text.size(); ++i) {
      char& c = block.text[token.offset + i];
      if (c != '\n') c = ' ';
    }
  }
}

// The index of the `(` of a call or definition at `name`, behind its template arguments; the number
// of tokens where it is none.
std::size_t parameters_of(std::span<const Token> tokens, std::size_t name) {
  std::size_t open = name + 1;
  if (open < tokens.size() && is_symbol(tokens[open], "<")) open = behind_angles(tokens, open);
  return open < tokens.size() && is_symbol(tokens[open], "(") ? open : tokens.size();
}

// `=`, but not `==`.
bool is_assignment(std::span<const Token> tokens, std::size_t at) {
  const bool is_twice = at + 1 < tokens.size() && is_symbol(tokens[at + 1], "=") &&
                        tokens[at + 1].offset == tokens[at].offset + 1;
  return is_symbol(tokens[at], "=") && !is_twice;
}

bool is_of_object(std::span<const Token> tokens, std::size_t name) {
  return name > 0 && (is_symbol(tokens[name - 1], ".") || is_symbol(tokens[name - 1], "->"));
}

// The index of the operator's `(`; the number of tokens where more than one function may be it, as
// a directive or an overload chooses, or a lambda captures something.
std::size_t plain_parameters(std::span<const Token> tokens) {
  const bool has_directive = std::ranges::any_of(
      tokens, [](const Token& token) { return token.kind == TokenKind::kDirective; });
  if (has_directive || tokens.size() < 3) return tokens.size();
  if (is_symbol(tokens[0], "[") && !is_symbol(tokens[1], "["))
    return is_symbol(tokens[1], "]") && is_symbol(tokens[2], "(") ? 2 : tokens.size();
  const Token* const name = last_function(tokens);
  if (name == nullptr) return tokens.size();
  const auto at = static_cast<std::size_t>(name - tokens.data());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i == at || tokens[i].text != name->text || is_of_object(tokens, i)) continue;
    std::size_t end = i;  // `(count)(` names it, too
    while (end + 1 < tokens.size() && is_symbol(tokens[end + 1], ")")) ++end;
    if (parameters_of(tokens, end) < tokens.size()) return tokens.size();
  }
  return parameters_of(tokens, at);
}

}  // namespace

bool may_read_parameter(const spec::Code& code) {
  const std::vector<Token> tokens = spec::tokenize(code.text);
  const std::size_t open = plain_parameters(tokens);
  if (open >= tokens.size()) return true;
  const std::size_t close = closing(tokens, open);
  std::size_t end = open + 1;  // of the first parameter
  while (end < close && !is_symbol(tokens[end], ",")) {
    const std::size_t begin = end++;
    if (is_symbol(tokens[begin], "<")) end = behind_angles(tokens, begin);
    if (opens(tokens[begin])) end = closing(tokens, begin) + 1;
  }
  return !is_symbol(tokens[end - 1], "&");
}

std::vector<spec::Diagnostic> find_forbidden(const spec::Code& code, const Forbidden& function) {
  std::vector<spec::Diagnostic> found;
  const std::vector<Token> tokens = spec::tokenize(code.text);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].kind != TokenKind::kWord || tokens[i].text != function.name) continue;
    if (is_of_object(tokens, i)) continue;
    if (i > 1 && is_symbol(tokens[i - 1], "::") && tokens[i - 2].text != "gameflow") continue;
    const std::size_t open = parameters_of(tokens, i);
    const std::size_t close = open < tokens.size() ? closing(tokens, open) : i;
    if (close + 1 < tokens.size() &&
        (is_symbol(tokens[close + 1], "{") || is_assignment(tokens, close + 1)))
      return {};  // it is defined here
    if (close != i && function.takes_arguments == (close != open + 1))
      found.push_back(mistake(code, tokens[i], function.message, function.hint));
  }
  return found;
}

spec::Position position_of(const spec::Code& code, std::size_t offset) {
  const std::string_view before = std::string_view(code.text).substr(0, offset);
  const auto lines = static_cast<std::uint32_t>(std::ranges::count(before, '\n'));
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  const auto column = static_cast<std::uint32_t>(offset - line_start + 1);
  return {code.position.line + lines, lines == 0 ? column + code.position.column - 1 : column,
          code.position.file};
}

Block parse_block(const spec::Code& code, std::string_view role) {
  Block block;
  block.text = code.text + "\n";
  const std::vector<Token> tokens = spec::tokenize(code.text);
  take_directives(code, tokens, block);
  if (auto unbalanced = check_brackets(code, tokens)) {
    block.mistakes.push_back(std::move(*unbalanced));
    return block;
  }
  check_statics(code, tokens, block);
  const auto first = std::ranges::find_if(
      tokens, [](const Token& token) { return token.kind != TokenKind::kDirective; });
  const bool attribute = first != tokens.end() && first + 1 != tokens.end() &&
                         is_symbol(*first, "[") && is_symbol(first[1], "[");
  if (first != tokens.end() && is_symbol(*first, "[") && !attribute) {
    block.form = Block::Form::kLambda;
    block.operator_position = position_of(code, first->offset);
  } else if (const Token* name = last_function(tokens)) {
    block.function = name->text;
    block.operator_position = position_of(code, name->offset);
  } else {
    const Token start = tokens.empty() ? Token{TokenKind::kSymbol, " ", 0} : tokens.front();
    block.mistakes.push_back(mistake(code, start, fmt::format("{} has no function", role),
                                     "write a C++ function, or a lambda: [](...) { ... }"));
  }
  return block;
}

}  // namespace gameflow::opbuild
