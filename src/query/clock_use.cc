#include "query/clock_use.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/ascii.h"
#include "query/sql_tokens.h"

namespace gameflow::query {
namespace {

struct TimeFunction {
  std::string_view name;
  std::size_t arguments_before;  // the time
};
constexpr auto kTimeFunctions = std::to_array<TimeFunction>({{"date", 0},
                                                             {"datetime", 0},
                                                             {"julianday", 0},
                                                             {"strftime", 1},
                                                             {"time", 0},
                                                             {"unixepoch", 0}});

const TimeFunction* function_of(const SqlToken& token) {
  const auto* const found = std::ranges::find(kTimeFunctions, token.text, &TimeFunction::name);
  return found == kTimeFunctions.end() ? nullptr : found;
}

}  // namespace

std::vector<std::string_view> time_calls(std::string_view sql) {
  const std::vector<SqlToken> tokens = sql_tokens(sql);
  std::vector<std::string_view> calls;
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (function_of(tokens[i]) == nullptr || tokens[i + 1].text != "(") continue;
    std::size_t depth = 0;
    for (std::size_t j = i + 1; j < tokens.size(); ++j) {
      if (tokens[j].text == "(") ++depth;
      if (tokens[j].text != ")" || --depth > 0) continue;
      calls.push_back(sql.substr(tokens[i].begin, tokens[j].end - tokens[i].begin));
      break;
    }
  }
  return calls;
}

bool asks_for_now(std::string_view call) {
  const std::vector<SqlToken> tokens = sql_tokens(call);
  const TimeFunction* const function = function_of(tokens.front());
  std::size_t depth = 0, arguments = tokens.size() > 3 ? 1 : 0;  // between name, ( and )
  for (const SqlToken& token : tokens) {
    if (token.text == "(") ++depth;
    if (token.text == ")") --depth;
    if (token.text == "," && depth == 1) ++arguments;
    if (token.text == "'" &&
        lower_case(call.substr(token.begin, token.end - token.begin)) == "'now'")
      return true;
  }
  return function != nullptr && arguments <= function->arguments_before;
}

}  // namespace gameflow::query
