// Finds sql<TYPE>("literal") in run: blocks.
#include <algorithm>
#include <utility>

#include "opbuild/block.h"
#include "opbuild/opbuild.h"
#include "plan/graph.h"
#include "record/type.h"
#include "spec/cpp_lexer.h"
#include "spec/names.h"

namespace gameflow::opbuild {
namespace {

using spec::is_symbol;
using spec::Token;
using spec::TokenKind;

// The item type of the list that `spelling` (without spaces) names, or null.
const record::Type* item_of(const plan::Graph& graph, std::string_view spelling) {
  if (const std::size_t scope = spelling.rfind("::"); scope != std::string_view::npos) {
    const std::size_t arguments = spelling.find('<');
    if (arguments == std::string_view::npos || scope < arguments) spelling.remove_prefix(scope + 2);
  }
  for (const plan::NamedType& named : graph.named_types) {
    const record::Type* const type = named.type;
    if (type->kind != record::Kind::kList || type->item->kind != record::Kind::kObject) continue;
    if (spec::to_pascal_case(named.name) == spelling) return type->item;
  }
  if (!spelling.starts_with("List<") || !spelling.ends_with('>')) return nullptr;
  spelling.remove_prefix(5);
  spelling.remove_suffix(1);
  const auto& objects = graph.types->declared();
  const auto found = std::ranges::find_if(objects, [&](const record::Type* type) {
    return !type->name.empty() && spec::cpp_type(*type) == spelling;
  });
  return found == objects.end() ? nullptr : *found;
}

// If the tokens from `at` on are sql<TYPE>("..."…), appends the use.
void match(const std::vector<Token>& tokens, std::size_t at, const spec::Code& code,
           std::size_t service, const plan::Graph& graph, std::vector<SqlUse>& uses) {
  if (tokens[at].text != "sql" || at + 1 >= tokens.size() || !is_symbol(tokens[at + 1], "<"))
    return;
  if (at > 0 && (is_symbol(tokens[at - 1], ".") || is_symbol(tokens[at - 1], "->"))) return;
  std::string type;
  int depth = 1;
  std::size_t i = at + 2;
  for (; i < tokens.size(); ++i) {
    if (is_symbol(tokens[i], "<")) ++depth;
    if (is_symbol(tokens[i], ">") && --depth == 0) break;
    if (is_symbol(tokens[i], ";")) return;
    type += tokens[i].text;
  }
  if (i + 2 >= tokens.size() || !is_symbol(tokens[i + 1], "(")) return;
  const std::size_t first = i + 2;
  std::string query;
  std::vector<std::size_t> offsets;
  for (i = first; i < tokens.size() && tokens[i].kind == TokenKind::kString; ++i) {
    std::vector<std::size_t> of_token;
    query += spec::string_value(tokens[i].text, &of_token);
    for (const std::size_t offset : of_token) offsets.push_back(tokens[i].offset + offset);
  }
  // Anything but literals: the query is known only when it runs.
  if (i == first || i == tokens.size() || !is_symbol(tokens[i], ")")) return;
  uses.push_back({.service = service,
                  .query = std::move(query),
                  .item = item_of(graph, type),
                  .position = position_of(code, tokens[first].offset),
                  .code = &code,
                  .offsets = std::move(offsets)});
}

}  // namespace

spec::Position SqlUse::position_at(std::size_t byte) const {
  return byte < offsets.size() ? position_of(*code, offsets[byte]) : position;
}

std::vector<SqlUse> find_sql(const plan::Graph& graph) {
  std::vector<SqlUse> uses;
  for (std::size_t service = 0; service < graph.services.size(); ++service) {
    for (const plan::Step* step : plan::steps_of(graph, graph.services[service])) {
      const std::vector<Token> tokens = spec::tokenize(step->code.text);
      for (std::size_t at = 0; at < tokens.size(); ++at)
        match(tokens, at, step->code, service, graph, uses);
    }
  }
  return uses;
}

}  // namespace gameflow::opbuild
