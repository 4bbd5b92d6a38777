#include "query/result_scale.h"

#include <cctype>

#include "base/ascii.h"

namespace gameflow::query {
namespace {

// Words, names out of their quotes, and single characters; strings are one character.
std::vector<std::string> tokens_of(std::string_view sql) {
  std::vector<std::string> tokens;
  const auto is_word = [&](std::size_t at) {
    return at < sql.size() && (std::isalnum(static_cast<unsigned char>(sql[at])) != 0 ||
                               sql[at] == '_' || (sql[at] & 0x80) != 0);
  };
  for (std::size_t at = 0; at < sql.size();) {
    const char c = sql[at];
    if (c == '"' || c == '`' || c == '\'') {
      const std::size_t end = std::min(sql.find(c, at + 1), sql.size());
      tokens.emplace_back(c == '\'' ? "\'" : lower_case(sql.substr(at + 1, end - at - 1)));
      at = end + 1;
    } else if (sql.substr(at).starts_with("--")) {
      at = std::min(sql.find('\n', at), sql.size());
    } else if (sql.substr(at).starts_with("/*")) {
      at = std::min(sql.find("*/", at), sql.size() - 2) + 2;
    } else if (is_word(at)) {
      const std::size_t begin = at;
      while (is_word(at)) ++at;
      tokens.push_back(lower_case(sql.substr(begin, at - begin)));
    } else {
      if (std::isspace(static_cast<unsigned char>(c)) == 0) tokens.emplace_back(1, c);
      ++at;
    }
  }
  return tokens;
}

std::optional<std::uint32_t> scale_of_item(const std::vector<std::string>& item,
                                           const ScaleOfColumn& scale_of) {
  if (item.size() < 4 || item[1] != "(") return std::nullopt;
  if (item[0] != "sum" && item[0] != "min" && item[0] != "max") return std::nullopt;
  std::size_t at = item[2] == "distinct" ? 3 : 2;
  if (at + 2 < item.size() && item[at + 1] == ".") at += 2;
  if (at + 1 >= item.size() || item[at + 1] != ")") return std::nullopt;
  // Behind it, at most what it is called.
  const std::size_t rest = item.size() - at - 2;
  const bool is_alone = rest == 0 || rest == 1 || (rest == 2 && item[at + 2] == "as");
  return is_alone ? scale_of(item[at]) : std::nullopt;
}

}  // namespace

std::vector<std::optional<std::uint32_t>> scales_of_results(std::string_view sql,
                                                            std::size_t columns,
                                                            const ScaleOfColumn& scale_of) {
  std::vector<std::vector<std::string>> items;  // of the outermost select
  int depth = 0;
  for (const std::string& token : tokens_of(sql)) {
    if (token == ")") --depth;
    if (depth == 0 && items.empty()) {
      if (token == "select") items.emplace_back();
    } else if (depth == 0 && (token == "from" || token == "union" || token == ";")) {
      break;
    } else if (depth == 0 && token == ",") {
      items.emplace_back();
    } else if (!items.empty() && !(items.back().empty() && token == "distinct")) {
      items.back().push_back(token);
    }
    if (token == "(") ++depth;
  }
  std::vector<std::optional<std::uint32_t>> scales(columns);
  if (items.size() != columns) return scales;  // a `*` is among them
  for (std::size_t i = 0; i < columns; ++i) scales[i] = scale_of_item(items[i], scale_of);
  return scales;
}

}  // namespace gameflow::query
