#include "app/sql/line_editor.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

#include <editline/readline.h>

namespace gameflow::app {
namespace {

constexpr int kHistoryMax = 1'000;

// What the library's callbacks, which carry nothing with them, work on.
LineEditor::Complete& complete_function() {
  static LineEditor::Complete function;
  return function;
}

std::vector<std::string>& candidates() {
  static std::vector<std::string> words;
  return words;
}

volatile std::sig_atomic_t interrupted = 0;

void on_interrupt(int) {
  interrupted = 1;
}

// One candidate a call, in memory that the library frees.
char* next_candidate(const char*, int number) {
  const auto index = static_cast<std::size_t>(number);
  return index < candidates().size() ? ::strdup(candidates()[index].c_str()) : nullptr;
}

char** complete_word(const char* word, int, int end) {
  rl_attempted_completion_over = 1;  // no names of files
  candidates() =
      complete_function()(std::string_view(rl_line_buffer, static_cast<std::size_t>(end)));
  return rl_completion_matches(word, next_candidate);
}

}  // namespace

LineEditor::LineEditor(std::filesystem::path history, Complete complete)
    : history_(std::move(history)) {
  complete_function() = std::move(complete);
  rl_readline_name = "gameflow";
  rl_initialize();
  using_history();
  stifle_history(kHistoryMax);
  if (!history_.empty()) read_history(history_.c_str());
  static char breaks[] = " \t\n\"'`@$><=;|&{(),*+-/%";
  rl_basic_word_break_characters = breaks;
  rl_completer_word_break_characters = breaks;
  rl_completion_append_character = ' ';
  rl_attempted_completion_function = complete_word;
  struct sigaction action = {};
  action.sa_handler = on_interrupt;  // without SA_RESTART: reading ends
  ::sigaction(SIGINT, &action, nullptr);
}

LineEditor::~LineEditor() {
  if (!history_.empty()) write_history(history_.c_str());
  complete_function() = nullptr;
}

std::optional<LineEditor::Line> LineEditor::read(const char* prompt) {
  interrupted = 0;
  char* const line = readline(prompt);
  if (interrupted != 0) {
    std::free(line);
    std::fputs("^C\n", stdout);
    return Line{.text = {}, .interrupted = true};
  }
  if (line == nullptr) return std::nullopt;
  Line read{.text = line, .interrupted = false};
  std::free(line);
  return read;
}

void LineEditor::remember(const std::string& text) {
  std::string line = text;
  std::ranges::replace(line, '\n', ' ');  // a line of the file each
  add_history(line.c_str());
}

std::filesystem::path history_file() {
  std::filesystem::path folder;
  const char* const state = std::getenv("XDG_STATE_HOME");
  const char* const home = std::getenv("HOME");
  if (state != nullptr && *state == '/')
    folder = state;
  else if (home != nullptr && *home == '/')
    folder = std::filesystem::path(home) / ".local/state";
  else
    return {};
  folder /= "gameflow";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return {};
  // What was asked is nobody else's business.
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  return folder / "sql_history";
}

}  // namespace gameflow::app
