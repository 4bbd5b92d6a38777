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
