#include "app/sql/statements.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <set>

#include "base/ascii.h"

namespace gameflow::app {
namespace {

constexpr std::string_view kKeywords[] = {
    "and",      "as",    "asc",   "avg",    "between",  "by",        "case",      "cast",
    "coalesce", "count", "cross", "desc",   "distinct", "else",      "end",       "except",
    "exists",   "from",  "group", "having", "in",       "inner",     "intersect", "is",
    "join",     "left",  "like",  "limit",  "max",      "min",       "not",       "null",
    "offset",   "on",    "or",    "order",  "over",     "partition", "round",     "select",
    "sum",      "then",  "total", "union",  "when",     "where",     "with"};

bool is_word(char c) {
  return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0;
}

// The index behind what begins at `at`, if that is a string, a quoted name or a comment; `at` where
// it is none; npos where it does not end.
std::size_t behind_quoted(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  if (rest.starts_with("--")) {
    const std::size_t end = text.find('\n', at);
    return end == std::string_view::npos ? end : end + 1;
  }
  if (rest.starts_with("/*")) {
    const std::size_t end = text.find("*/", at + 2);
    return end == std::string_view::npos ? end : end + 2;
  }
  const char quote = rest.front();
  if (quote != '\'' && quote != '"' && quote != '`') return at;
  const std::size_t end = text.find(quote, at + 1);  // a doubled one begins the next
  return end == std::string_view::npos ? end : end + 1;
}

// The words of a statement, in small letters, without strings and comments.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t behind = behind_quoted(text, i);
    if (behind == std::string_view::npos) break;
    if (behind > i) {
      i = behind;
    } else if (is_word(text[i])) {
      std::size_t end = i;
      while (end < text.size() && is_word(text[end])) ++end;
      words.push_back(lower_case(text.substr(i, end - i)));
      i = end;
    } else {
      ++i;
    }
  }
  return words;
}

}  // namespace

std::vector<std::string> take_statements(std::string& text) {
  std::vector<std::string> statements;
  std::size_t begin = 0, at = 0;
  while (at < text.size()) {
    const std::size_t behind = behind_quoted(text, at);
    if (behind == std::string_view::npos) break;
    if (behind > at) {
      at = behind;
      continue;
    }
    if (text[at++] != ';') continue;
    std::string statement = text.substr(begin, at - 1 - begin);
    if (!is_blank_sql(statement)) statements.push_back(std::move(statement));
    begin = at;
  }
  text.erase(0, begin);
  return statements;
}

bool is_blank_sql(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::string_view rest = text.substr(i);
    const bool is_comment = rest.starts_with("--") || rest.starts_with("/*");
    if (is_comment) {
      i = behind_quoted(text, i);
      if (i == std::string_view::npos) return true;
    } else if (std::isspace(static_cast<unsigned char>(text[i])) == 0) {
      return false;
    } else {
      ++i;
    }
  }
  return true;
}

std::vector<std::string> completions(std::string_view line, const std::vector<SqlTable>& tables) {
  std::set<std::string> found;
  if (line.starts_with('.') && line.find(' ') == std::string_view::npos) {
    for (const std::string_view command : kShellCommands) {
      if (command.starts_with(line)) found.emplace(command);
    }
    return {found.begin(), found.end()};
  }
  std::size_t begin = line.size();
  while (begin > 0 && is_word(line[begin - 1])) --begin;
  const std::string prefix = lower_case(line.substr(begin));
  const std::vector<std::string> before = words_of(line.substr(0, begin));
  const auto offer = [&](std::string_view word) {
    if (lower_case(word).starts_with(prefix)) found.emplace(word);
  };
  const bool wants_table =
      line.starts_with(".schema ") ||
      (!before.empty() && (before.back() == "from" || before.back() == "join"));
  const bool names_table = std::ranges::any_of(tables, [&](const SqlTable& table) {
    return std::ranges::find(before, lower_case(table.name)) != before.end();
  });
  for (const SqlTable& table : tables) {
    offer(table.name);
    const bool is_named = std::ranges::find(before, lower_case(table.name)) != before.end();
    if (wants_table || (names_table && !is_named)) continue;
    for (const SqlTable::Column& column : table.columns) offer(column.name);
  }
  if (!wants_table && !line.starts_with('.')) {
    for (const std::string_view keyword : kKeywords) offer(keyword);
  }
  return {found.begin(), found.end()};
}

}  // namespace gameflow::app
