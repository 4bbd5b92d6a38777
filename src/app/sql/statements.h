// What is typed into the shell: where statements end, and what a word could become.
//
// Threads  pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gameflow::app {

// A table that can be queried.
struct SqlTable {
  std::string name;
  struct Column {
    std::string name, type;
  };
  std::vector<Column> columns;
};

// Takes the statements that a `;` ends off the front of `text`, without it. A `;` in a string, in
// quotes or in a comment ends none. Blank statements are left out.
std::vector<std::string> take_statements(std::string& text);

// Whether there is nothing to run in it: blanks and comments.
bool is_blank_sql(std::string_view text);

// The words that begin as `line` ends, for what stands in front of it: commands of the shell at the
// beginning of a line, tables behind FROM and JOIN, else columns of the tables that `line` names
// (of all, where it names none), tables and keywords. Sorted.
std::vector<std::string> completions(std::string_view line, const std::vector<SqlTable>& tables);

// The commands of the shell: ".help".
inline constexpr std::string_view kShellCommands[] = {".help", ".mode", ".quit", ".schema",
                                                      ".tables"};

}  // namespace gameflow::app
