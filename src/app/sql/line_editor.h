// Lines from a person at a terminal: editing, history, completion. The only place for libedit.
//
// Threads  one; there is one editor in the process, since the library keeps its state to itself.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gameflow::app {

class LineEditor {
 public:
  // The words that could stand in place of the last one of the line so far.
  using Complete = std::function<std::vector<std::string>(std::string_view line)>;

  // History is read from and kept in `history`; an empty path keeps none.
  LineEditor(std::filesystem::path history, Complete complete);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  struct Line {
    std::string text;
    bool interrupted = false;  // Ctrl-C: what was typed is to be forgotten
  };
  // Nothing at the end of input (Ctrl-D).
  std::optional<Line> read(const char* prompt);
  // What the arrow keys bring back, and the next start too.
  void remember(const std::string& text);

 private:
  const std::filesystem::path history_;
};

// $XDG_STATE_HOME/gameflow/sql_history, or ~/.local/state/gameflow/sql_history; empty where there
// is no home. Makes the folder.
std::filesystem::path history_file();

}  // namespace gameflow::app
