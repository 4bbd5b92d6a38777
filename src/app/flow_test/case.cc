#include "app/flow_test/case.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <sstream>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/closest.h"

namespace gameflow::app::flow_test {
namespace {

struct CommandForm {
  std::string_view name;
  std::size_t words_max;  // on its line
  bool takes_lines;       // below it
};
constexpr CommandForm kCommands[] = {
    {"dataflow", 1, false}, {"at", 1, false},           {"advance", 1, false},
    {"send", 7, true},      {"run", 0, false},          {"end", 0, false},
    {"restart", 0, false},  {"fail-commits", 1, false}, {"expect", SIZE_MAX, true}};

std::vector<std::string> split_words(const std::string& line) {
  std::istringstream in(line);
  return {std::istream_iterator<std::string>(in), {}};
}

// Commands start a line; the lines below belong to the last one, up to an empty line or the next
// command. The YAML of an inline dataflow ends with a line `---`.
class Parser {
 public:
  explicit Parser(std::string file) { case_.file = std::move(file); }

  Result<Case> parse(const std::string& text) {
    std::istringstream in(text);
    std::string line;
    while (std::getline(in, line)) {
      ++number_;
      if (line.ends_with('\r')) line.pop_back();
      GF_TRY(take(line));
    }
    if (in_dataflow_)
      return mistake(case_.steps.back().line, "the dataflow lacks its end, a line '---'");
    if (case_.steps.empty()) return mistake(1, "there is no command in this case");
    return std::move(case_);
  }

 private:
  tl::unexpected<Error> mistake(std::size_t number, const std::string& what) const {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}:{}: {}", case_.file, number, what));
  }

  Status take(const std::string& line) {
    if (in_dataflow_) {
      in_dataflow_ = line != "---";
      if (in_dataflow_) case_.steps.back().body.push_back(line);
      case_.steps.back().line_last = number_;
      return {};
    }
    if (line.starts_with('#')) {
      if (case_.steps.empty())
        case_.description += line.substr(std::min<std::size_t>(2, line.size())) + "\n";
      return {};
    }
    std::vector<std::string> words = split_words(line);
    if (words.empty()) {
      in_body_ = false;
      return {};
    }
    const auto* const form = std::ranges::find(kCommands, words.front(), &CommandForm::name);
    if (form != std::end(kCommands)) return begin_step(*form, std::move(words));
    if (!in_body_) return unknown(words.front());
    case_.steps.back().body.push_back(line);
    case_.steps.back().line_last = number_;
    return {};
  }

  Status begin_step(const CommandForm& form, std::vector<std::string> words) {
    if (words.size() - 1 > form.words_max) {
      return mistake(
          number_, fmt::format("'{}' does not belong to {}", words[form.words_max + 1], form.name));
    }
    const bool is_line_only =
        words.size() > 1 && form.name == "expect" && (words[1] == "stats" || words[1] == "error");
    in_body_ = form.takes_lines && !is_line_only;
    in_dataflow_ = words.size() == 1 && form.name == "dataflow";
    case_.steps.push_back({.line = number_,
                           .line_last = number_,
                           .command = words.front(),
                           .words = {words.begin() + 1, words.end()},
                           .body = {}});
    return {};
  }

  Status unknown(const std::string& command) const {
    std::vector<std::string_view> names;
    for (const CommandForm& known : kCommands) names.push_back(known.name);
    const std::string_view guess = closest(command, names);
    return mistake(number_,
                   fmt::format("unknown command '{}'; {}", command,
                               guess.empty() ? fmt::format("there are: {}", fmt::join(names, ", "))
                                             : fmt::format("did you mean '{}'?", guess)));
  }

  Case case_;
  std::size_t number_ = 0;  // of the line
  bool in_dataflow_ = false, in_body_ = false;
};

}  // namespace

Result<Case> parse(std::string file, const std::string& text) {
  return Parser(std::move(file)).parse(text);
}

}  // namespace gameflow::app::flow_test
