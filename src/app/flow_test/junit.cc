#include "app/flow_test/junit.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

namespace gameflow::app::flow_test {
namespace {

// XML 1.0 has no control characters but tab and line breaks, not even escaped.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\n':
        out += "&#10;";
        break;
      case '\t':
        out += "&#9;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

}  // namespace

std::string junit_xml(const std::vector<Verdict>& verdicts) {
  const auto failures =
      std::ranges::count_if(verdicts, [](const Verdict& v) { return !v.failure.empty(); });
  double seconds = 0;
  for (const Verdict& verdict : verdicts) seconds += verdict.seconds;
  const std::string counts =
      fmt::format("tests=\"{}\" failures=\"{}\" errors=\"0\" time=\"{:.3f}\"", verdicts.size(),
                  failures, seconds);
  std::string out = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {0}>\n"
      "  <testsuite name=\"gameflow test\" {0}>\n",
      counts);
  for (const Verdict& verdict : verdicts) {
    out += fmt::format(
        "    <testcase classname=\"gameflow\" name=\"{0}\" file=\"{0}\" time=\"{1:.3f}\"",
        escaped(verdict.file), verdict.seconds);
    if (verdict.failure.empty()) {
      out += "/>\n";
      continue;
    }
    const std::string first = verdict.failure.substr(0, verdict.failure.find('\n'));
    out += fmt::format(">\n      <failure message=\"{}\">{}</failure>\n    </testcase>\n",
                       escaped(first), escaped(verdict.failure));
  }
  return out + "  </testsuite>\n</testsuites>\n";
}

}  // namespace gameflow::app::flow_test
