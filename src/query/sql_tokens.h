// A statement cut into words, without knowing its grammar.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace gameflow::query {

struct SqlToken {
  std::string text;  // in small letters; of a name without its quotes; of a string a single '
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Words, names and strings as one each, all else a character each; comments and space are left out.
std::vector<SqlToken> sql_tokens(std::string_view sql);

}  // namespace gameflow::query
