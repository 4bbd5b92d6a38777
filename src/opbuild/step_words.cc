#include "opbuild/step_words.h"

#include <algorithm>

#include <fmt/format.h>

#include "opbuild/block.h"
#include "spec/cpp_lexer.h"
#include "spec/names.h"

namespace gameflow::opbuild {

std::string snake(const plan::Step& step) {
  return spec::to_snake_case(step.name);
}
std::string pascal(const plan::Step& step) {
  return spec::to_pascal_case(step.name);
}

std::string key_type(record::Kind key) {
  return key == record::Kind::kString ? "Text" : std::string(record::to_string(key));
}

bool asks_for_key(const plan::Step& step) {
  const std::vector<spec::Token> tokens = spec::tokenize(step.code.text);
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (tokens[i].text == "key" && spec::is_symbol(tokens[i + 1], "(")) return true;
  }
  return false;
}

bool names_record(const plan::Step& step) {
  const spec::Position position = parse_block(step.code, step.name).operator_position;
  const std::vector<spec::Token> tokens = spec::tokenize(step.code.text);
  const auto first = std::ranges::find_if(tokens, [&](const spec::Token& one) {
    return position_of(step.code, one.offset) == position;
  });
  if (tokens.end() - first < 4) return true;
  const bool is_lambda = spec::is_symbol(*first, "[");
  // What is compiled may be another function: one that a directive chooses, or an overload.
  bool is_alone = true;
  for (auto token = tokens.begin(); token != tokens.end(); ++token) {
    const bool is_of_object = token != tokens.begin() && spec::is_symbol(token[-1], ".");
    const bool is_overload = !is_lambda && token->text == first->text && token != first &&
                             !is_of_object && token + 1 != tokens.end() &&
                             spec::is_symbol(token[1], "(");
    if (token->kind == spec::TokenKind::kDirective || is_overload) is_alone = false;
  }
  auto token = first + (is_lambda ? 2 : 1);
  const bool has_captures = is_lambda && !spec::is_symbol(first[1], "]");
  if (!is_alone || has_captures || !spec::is_symbol(*token, "(")) return true;
  constexpr std::string_view kOpening = "(<[{", kClosing = ")>]}";
  int depth = 0;
  for (auto last = token; token != tokens.end(); last = token++) {
    const bool is_symbol = token->kind == spec::TokenKind::kSymbol;
    if (is_symbol && kClosing.find(token->text) != std::string_view::npos) --depth;
    const bool is_end = depth == 0 || (depth == 1 && spec::is_symbol(*token, ","));
    if (is_end && last != token) return !spec::is_symbol(*last, "&");
    if (is_symbol && kOpening.find(token->text) != std::string_view::npos) ++depth;
  }
  return true;
}

std::string asks_of(std::string_view function, const std::vector<plan::Step>& steps) {
  std::string asks = function.empty() ? "0" : fmt::format("{}::kAsks", function);
  if (std::ranges::any_of(steps, asks_for_key)) asks += " | gameflow::abi::kRowKeys";
  return asks;
}

spec::Position expired_at(const plan::Keyed& keyed) {
  const auto state = std::ranges::find_if(
      keyed.states, [](const plan::State& of_keyed) { return of_keyed.on_expire.has_value(); });
  return parse_block(state->on_expire->code, state->on_expire->name).operator_position;
}

std::string words_of(const plan::Step& step) {
  std::string words;
  std::size_t end = 0;
  for (const spec::Token& token : spec::tokenize(step.code.text)) {
    if (token.offset != end) words += ' ';
    words += token.text;
    if (token.kind == spec::TokenKind::kDirective) words += '\n';
    end = token.offset + token.text.size();
  }
  return words;
}

}  // namespace gameflow::opbuild
