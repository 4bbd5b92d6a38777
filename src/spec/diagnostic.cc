#include "spec/diagnostic.h"

#include <algorithm>

#include <fmt/format.h>

#include "spec/yaml_tree.h"

namespace gameflow::spec {
namespace {

// A longer line is shown in part, around the mistake.
constexpr std::size_t kLineBytesMax = 160;

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return lines;
}

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// What keeps the terminal's lines straight: the same tabs, one blank for each other character.
std::string blanks_for(std::string_view text) {
  std::string blanks;
  for (const char c : text) {
    if (!is_continuation(c)) blanks += c == '\t' ? '\t' : ' ';
  }
  return blanks;
}

void render_source(std::string& out, std::string_view line, const Diagnostic& diagnostic) {
  std::string shown(line);
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 && c != '\t') c = ' ';
  }
  std::size_t caret = std::min<std::size_t>(diagnostic.position.column - 1, shown.size());
  if (shown.size() > kLineBytesMax) {
    std::size_t start = caret > kLineBytesMax / 2 ? caret - kLineBytesMax / 2 : 0;
    while (start < caret && is_continuation(shown[start])) ++start;
    std::size_t end = std::min(start + kLineBytesMax, shown.size());
    while (end < shown.size() && is_continuation(shown[end])) ++end;
    shown = shown.substr(start, end - start);
    caret -= start;
  }
  const std::string_view marked = std::string_view(shown).substr(caret, diagnostic.length);
  const auto width =
      std::count_if(marked.begin(), marked.end(), [](char c) { return !is_continuation(c); });
  fmt::format_to(std::back_inserter(out), "{:>5} | {}\n", diagnostic.position.line, shown);
  fmt::format_to(
      std::back_inserter(out), "      | {}^{}\n",
      blanks_for(std::string_view(shown).substr(0, caret)),
      std::string(static_cast<std::size_t>(std::max<std::ptrdiff_t>(width, 1)) - 1, '~'));
}

}  // namespace

std::string render(const std::vector<Diagnostic>& diagnostics, std::string_view file_name,
                   std::string_view source) {
  const SourceFile file{std::string(file_name), {}, std::string(source)};
  return render(diagnostics, {&file, 1});
}

std::string render(const std::vector<Diagnostic>& diagnostics, std::span<const SourceFile> files) {
  std::vector<std::string> texts;
  for (const SourceFile& file : files) texts.push_back(normalized(file.text));
  std::vector<const Diagnostic*> sorted;
  sorted.reserve(diagnostics.size());
  for (const Diagnostic& diagnostic : diagnostics) sorted.push_back(&diagnostic);
  std::stable_sort(sorted.begin(), sorted.end(), [](const Diagnostic* a, const Diagnostic* b) {
    return a->position < b->position;
  });
  std::string out;
  for (const Diagnostic* diagnostic : sorted) {
    const auto [line, column, file] = diagnostic->position;
    const std::vector<std::string_view> lines = lines_of(texts[file]);
    out += files[file].name;
    if (line > 0) fmt::format_to(std::back_inserter(out), ":{}:{}", line, column);
    fmt::format_to(std::back_inserter(out), ": {}: {}\n",
                   diagnostic->severity == Severity::kError ? "error" : "warning",
                   diagnostic->message);
    if (line > 0 && line <= lines.size()) render_source(out, lines[line - 1], *diagnostic);
    if (diagnostic->hint.empty()) continue;
    std::string_view prefix = "      = ";
    for (const std::string_view hint_line : lines_of(diagnostic->hint)) {
      fmt::format_to(std::back_inserter(out), "{}{}\n", prefix, hint_line);
      prefix = "        ";
    }
  }
  return out;
}

bool has_errors(const std::vector<Diagnostic>& diagnostics) {
  return std::any_of(diagnostics.begin(), diagnostics.end(), [](const Diagnostic& diagnostic) {
    return diagnostic.severity == Severity::kError;
  });
}

}  // namespace gameflow::spec
