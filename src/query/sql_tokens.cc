#include "query/sql_tokens.h"

#include <algorithm>
#include <cctype>

#include "base/ascii.h"

namespace gameflow::query {

std::vector<SqlToken> sql_tokens(std::string_view sql) {
  std::vector<SqlToken> tokens;
  const auto is_word = [&](std::size_t at) {
    return at < sql.size() && (std::isalnum(static_cast<unsigned char>(sql[at])) != 0 ||
                               sql[at] == '_' || (sql[at] & 0x80) != 0);
  };
  for (std::size_t at = 0; at < sql.size();) {
    const std::size_t begin = at;
    const char c = sql[at];
    if (c == '"' || c == '`' || c == '\'' || c == '[') {
      const std::size_t end = std::min(sql.find(c == '[' ? ']' : c, at + 1), sql.size());
      at = std::min(end + 1, sql.size());
      const std::string_view name = sql.substr(begin + 1, end - begin - 1);
      tokens.push_back({c == '\'' ? "'" : lower_case(name), begin, at});
    } else if (sql.substr(at).starts_with("--")) {
      at = std::min(sql.find('\n', at), sql.size());
    } else if (sql.substr(at).starts_with("/*")) {
      at = std::min(sql.find("*/", at), sql.size() - 2) + 2;
    } else if (is_word(at)) {
      while (is_word(at)) ++at;
      tokens.push_back({lower_case(sql.substr(begin, at - begin)), begin, at});
    } else {
      ++at;
      if (std::isspace(static_cast<unsigned char>(c)) == 0)
        tokens.push_back({std::string(1, c), begin, at});
    }
  }
  return tokens;
}

}  // namespace gameflow::query
