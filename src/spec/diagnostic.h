// Mistakes in a file, as a compiler reports them: file:line:column, the line, a caret, what to do.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gameflow::spec {

// Counted from 1. {0, 0}: the file as a whole.
struct Position {
  std::uint32_t line = 0, column = 0;
  friend auto operator<=>(const Position&, const Position&) = default;
};

enum class Severity : std::uint8_t { kError, kWarning };

struct Diagnostic {
  Severity severity = Severity::kError;
  Position position;
  std::uint32_t length = 1;  // columns to underline
  std::string message;       // what is wrong: one line, no full stop
  std::string hint;          // what to do: "did you mean 'sources'?"; may be empty
};

// All diagnostics in order of position:
//   dataflow.yaml:12:5: error: unknown key 'sorces' in a service
//      12 |     sorces:
//         |     ^~~~~~
//         = did you mean 'sources'?
std::string render(const std::vector<Diagnostic>& diagnostics, std::string_view file_name,
                   std::string_view source);

bool has_errors(const std::vector<Diagnostic>& diagnostics);

}  // namespace gameflow::spec
