#include "app/flow_test/difference.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

#include <fmt/format.h>

namespace gameflow::app::flow_test {
namespace {

// Equal lines shown around what differs.
constexpr std::size_t kContext = 3;
// Above this many pairs of lines no common ones are sought between what differs.
constexpr std::size_t kPairsMax = 4'000'000;

enum class Mark : char { kBoth = ' ', kExpected = '-', kCame = '+' };

struct Marked {
  Mark mark;
  std::string_view text;
};

using View = std::span<const std::string>;

// Longest common subsequence: `longest[i * (came + 1) + j]` is that of the ends from i and j on.
void mark_middle(View expected, View came, std::vector<Marked>& out) {
  const std::size_t width = came.size() + 1;
  std::vector<std::uint32_t> longest;
  if (expected.size() * came.size() <= kPairsMax) {
    longest.resize((expected.size() + 1) * width);
    for (std::size_t i = expected.size(); i-- > 0;) {
      for (std::size_t j = came.size(); j-- > 0;) {
        longest[i * width + j] = expected[i] == came[j] ? longest[(i + 1) * width + j + 1] + 1
                                                        : std::max(longest[(i + 1) * width + j],
                                                                   longest[i * width + j + 1]);
      }
    }
  }
  std::size_t i = 0, j = 0;
  while (i < expected.size() || j < came.size()) {
    if (!longest.empty() && i < expected.size() && j < came.size() && expected[i] == came[j]) {
      out.push_back({Mark::kBoth, expected[i++]});
      ++j;
    } else if (i < expected.size() &&
               (longest.empty() || j == came.size() ||
                longest[(i + 1) * width + j] >= longest[i * width + j + 1])) {
      out.push_back({Mark::kExpected, expected[i++]});
    } else {
      out.push_back({Mark::kCame, came[j++]});
    }
  }
}

std::vector<Marked> mark(View expected, View came) {
  std::vector<Marked> marked;
  std::size_t begin = 0;
  const std::size_t shorter = std::min(expected.size(), came.size());
  while (begin < shorter && expected[begin] == came[begin])
    marked.push_back({Mark::kBoth, expected[begin++]});
  std::size_t same_end = 0;
  while (same_end < shorter - begin &&
         expected[expected.size() - 1 - same_end] == came[came.size() - 1 - same_end])
    ++same_end;
  mark_middle(expected.subspan(begin, expected.size() - begin - same_end),
              came.subspan(begin, came.size() - begin - same_end), marked);
  for (const std::string& line : expected.last(same_end)) marked.push_back({Mark::kBoth, line});
  return marked;
}

std::string render_line(const Marked& line, bool colour) {
  const std::string_view code = line.mark == Mark::kExpected ? "\x1b[31m" : "\x1b[32m";
  if (!colour || line.mark == Mark::kBoth)
    return fmt::format("{} {}\n", static_cast<char>(line.mark), line.text);
  return fmt::format("{}{} {}\x1b[0m\n", code, static_cast<char>(line.mark), line.text);
}

}  // namespace

std::string render(const Lines& expected, const Lines& came, bool colour) {
  const std::vector<Marked> marked = mark(expected, came);
  // How far each line is from the next one that differs, in either direction.
  std::vector<std::size_t> distance(marked.size(), marked.size());
  std::size_t away = marked.size();
  for (std::size_t i = 0; i < marked.size(); ++i) {
    away = marked[i].mark == Mark::kBoth ? away + 1 : 0;
    distance[i] = away;
  }
  away = marked.size();
  for (std::size_t i = marked.size(); i-- > 0;) {
    away = marked[i].mark == Mark::kBoth ? away + 1 : 0;
    distance[i] = std::min(distance[i], away);
  }
  std::string out;
  std::size_t left_out = 0;
  const auto tell_left_out = [&] {
    if (left_out > 0) out += fmt::format("  … {} more\n", left_out);
    left_out = 0;
  };
  for (std::size_t i = 0; i < marked.size(); ++i) {
    if (distance[i] > kContext) {
      ++left_out;
      continue;
    }
    tell_left_out();
    out += render_line(marked[i], colour);
  }
  tell_left_out();
  return out;
}

}  // namespace gameflow::app::flow_test
