// Generated C++ that goes back and forth between its own lines and those of dataflow.yaml.
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "spec/diagnostic.h"

namespace gameflow::opbuild {

inline std::string cpp_literal(std::string_view text) {
  std::string literal = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') literal += '\\';
    literal += c;
  }
  return literal + '"';
}

class SourceWriter {
 public:
  // What messages call the generated file.
  static constexpr std::string_view kGeneratedName = "operators.cc";

  // `files`: by Position::file.
  explicit SourceWriter(std::span<const spec::SourceFile> files) {
    for (const spec::SourceFile& file : files) names_.push_back(cpp_literal(file.label));
  }

  template <class... Arguments>
  void line(fmt::format_string<Arguments...> text, Arguments&&... arguments) {
    raw(fmt::format(text, std::forward<Arguments>(arguments)...) + "\n");
  }

  void raw(std::string_view text) {
    text_ += text;
    lines_ += static_cast<std::size_t>(std::ranges::count(text, '\n'));
  }

  // Texts that end with a line break; each stands, for messages, at `position`.
  void at(spec::Position position, std::initializer_list<std::string_view> texts) {
    for (const std::string_view text : texts) {
      line("#line {} {}", position.line, names_[position.file]);
      raw(std::string(position.column - 1, ' '));
      raw(text);
    }
    line("#line {} {}", lines_ + 2, cpp_literal(kGeneratedName));
  }

  // A text that ends with a line break, of another file.
  void of(std::string_view file, std::string_view text, std::size_t first_line = 1) {
    line("#line {} {}", first_line, cpp_literal(file));
    raw(text);
    line("#line {} {}", lines_ + 2, cpp_literal(kGeneratedName));
  }

  std::string take() { return std::move(text_); }

 private:
  std::vector<std::string> names_;  // as literals
  std::string text_;
  std::size_t lines_ = 0;  // complete ones
};

}  // namespace gameflow::opbuild
