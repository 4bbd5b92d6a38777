#include "query/result_scale.h"

#include <algorithm>

#include "query/sql_tokens.h"

namespace gameflow::query {
namespace {

// The token behind the parenthesis that closes the one at `at`.
std::size_t skip_parentheses(const std::vector<std::string>& item, std::size_t at) {
  int depth = 0;
  for (; at < item.size(); ++at) {
    if (item[at] == "(") ++depth;
    if (item[at] == ")" && --depth == 0) return at + 1;
  }
  return at;
}

std::optional<std::uint32_t> scale_of_item(const std::vector<std::string>& item,
                                           const ScaleOfColumn& scale_of) {
  if (item.size() < 4 || item[1] != "(") return std::nullopt;
  constexpr std::string_view kKeepDigits[] = {"sum",  "min",         "max",       "lag",
                                              "lead", "first_value", "last_value"};
  if (std::ranges::count(kKeepDigits, item[0]) == 0) return std::nullopt;
  std::optional<std::uint32_t> scale;
  std::size_t at = item[2] == "distinct" ? 3 : 2;
  for (;; at += 2) {  // one column, or of min() and max() more
    if (at + 2 < item.size() && item[at + 1] == ".") at += 2;
    if (at + 1 >= item.size() || (item[at + 1] != ")" && item[at + 1] != ",")) return std::nullopt;
    const auto found = scale_of(item[at]);
    if (!found || (scale && scale != found)) return std::nullopt;
    scale = found;
    if (item[at + 1] == ")") break;
  }
  at += 2;
  const auto is = [&](std::string_view word) { return at < item.size() && item[at] == word; };
  if (is("filter")) at = skip_parentheses(item, at + 1);
  if (is("over"))
    at = at + 1 < item.size() && item[at + 1] == "(" ? skip_parentheses(item, at + 1) : at + 2;
  // Behind it, at most what it is called.
  const bool is_alone =
      at >= item.size() || at + 1 == item.size() || (at + 2 == item.size() && is("as"));
  return is_alone ? scale : std::nullopt;
}

}  // namespace

std::vector<std::optional<std::uint32_t>> scales_of_results(std::string_view sql,
                                                            std::size_t columns,
                                                            const ScaleOfColumn& scale_of) {
  std::vector<std::vector<std::string>> items;  // of the outermost select
  int depth = 0;
  for (const auto& [token, begin, end] : sql_tokens(sql)) {
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
