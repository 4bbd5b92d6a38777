// Mistakes in a file, as a compiler reports them: file:line:column, the line, a caret, what to do.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace gameflow::spec {

// Counted from 1. {0, 0}: the file as a whole.
struct Position {
  std::uint32_t line = 0, column = 0;
  std::uint32_t file = 0;  // among the files of the dataflow; 0 is dataflow.yaml itself

  friend bool operator==(const Position&, const Position&) = default;
  friend std::strong_ordering operator<=>(const Position& a, const Position& b) {
    return std::tie(a.file, a.line, a.column) <=> std::tie(b.file, b.line, b.column);
  }
};

// A file that a dataflow is made of: itself, or one of a package.
struct SourceFile {
  std::string name;   // as it was opened, and as messages call it
  std::string label;  // the same wherever it lies: "examples/words@0.1.0/gameflow-package.yaml"
  std::string text;
};

enum class Severity : std::uint8_t { kError, kWarning };

struct Diagnostic {
  Severity severity = Severity::kError;
  Position position;
  std::uint32_t length = 1;  // columns to underline
  std::string message;       // what is wrong: one line, no full stop
  std::string hint;          // what to do: "did you mean 'sources'?"; may be empty
};

// All diagnostics in order of file and position:
//   dataflow.yaml:12:5: error: unknown key 'sorces' in a service
//      12 |     sorces:
//         |     ^~~~~~
//         = did you mean 'sources'?
std::string render(const std::vector<Diagnostic>& diagnostics, std::span<const SourceFile> files);
// Of a single file.
std::string render(const std::vector<Diagnostic>& diagnostics, std::string_view file_name,
                   std::string_view source);

bool has_errors(const std::vector<Diagnostic>& diagnostics);

}  // namespace gameflow::spec
