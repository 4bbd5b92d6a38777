#include "app/flow_test/update.h"

#include <cstddef>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace gameflow::app::flow_test {
namespace {

struct Text {
  Lines lines;                  // without their ends
  std::string_view line_break;  // "\n" or "\r\n"
  bool ends_with_break;
};

Text split(const std::string& text) {
  Text out{.lines = {},
           .line_break = text.find("\r\n") == std::string::npos ? "\n" : "\r\n",
           .ends_with_break = text.ends_with('\n')};
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.ends_with('\r')) line.pop_back();
    out.lines.push_back(std::move(line));
  }
  return out;
}

// The line of `expect stats` or `expect error`, or the lines below the others.
Lines rewritten(const Step& step, const Lines& came, const Lines& lines) {
  const std::string first = step.words.empty() ? "" : step.words.front();
  if (first == "stats")
    return {fmt::format("expect stats {} {}", step.words[1], fmt::join(came, " "))};
  if (first == "error") return {fmt::format("expect error {}", came.front())};
  Lines out{lines[step.line - 1]};
  // Comments stay; which line each was about is not known, so they stand in front.
  for (std::size_t i = step.line; i < step.line_last; ++i) {
    if (lines[i].starts_with('#')) out.push_back(lines[i]);
  }
  out.insert(out.end(), came.begin(), came.end());
  return out;
}

}  // namespace

Result<std::string> updated(const Case& test, const std::string& text,
                            const std::vector<Difference>& differences) {
  Text file = split(text);
  // From the end on: the lines in front keep their numbers.
  for (std::size_t i = differences.size(); i-- > 0;) {
    const Step& step = test.steps[differences[i].step];
    const Lines lines = rewritten(step, differences[i].came, file.lines);
    const auto begin = file.lines.begin() + static_cast<std::ptrdiff_t>(step.line) - 1;
    const auto end = file.lines.begin() + static_cast<std::ptrdiff_t>(step.line_last);
    file.lines.insert(file.lines.erase(begin, end), lines.begin(), lines.end());
  }
  std::string out = fmt::format("{}", fmt::join(file.lines, file.line_break));
  if (file.ends_with_break || !differences.empty()) out += file.line_break;
  const auto again = parse(test.file, out);
  bool is_as_meant = again && again->steps.size() == test.steps.size();
  for (std::size_t i = 0; is_as_meant && i < differences.size(); ++i) {
    const Step& step = again->steps[differences[i].step];
    const bool is_line_only =
        !step.words.empty() && (step.words.front() == "stats" || step.words.front() == "error");
    is_as_meant = is_line_only || step.body == differences[i].came;
  }
  if (!is_as_meant) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: --update cannot write what came: one of its lines would be read "
                            "as something else (a command, a comment, an empty line)",
                            test.file));
  }
  return out;
}

}  // namespace gameflow::app::flow_test
