#include "app/terminal.h"

#include <cstdio>
#include <cstdlib>
#include <mutex>

#include <fmt/format.h>
#include <unistd.h>

#include "app/commands.h"

namespace gameflow::app {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct ProgressLine {
  std::mutex mutex;
  std::string shown;
  SteadyClock::time_point shown_at;
};

ProgressLine& progress_line() {
  static ProgressLine line;
  return line;
}

constexpr std::string_view kClearLine = "\r\x1b[K";

void print_above_progress(std::string_view text) {
  ProgressLine& line = progress_line();
  const std::lock_guard lock(line.mutex);
  if (!line.shown.empty()) fmt::print(stderr, "{}", kClearLine);
  fmt::print(stderr, "{}\n", text);
  if (!line.shown.empty()) fmt::print(stderr, "{}", line.shown);
  std::fflush(stderr);
}

}  // namespace

bool is_terminal(int file_descriptor) {
  return isatty(file_descriptor) == 1;
}

bool use_colour() {
  static const bool use = [] {
    const char* no_colour = std::getenv("NO_COLOR");
    const char* terminal = std::getenv("TERM");
    return is_terminal(STDERR_FILENO) && (no_colour == nullptr || *no_colour == '\0') &&
           (terminal == nullptr || std::string_view(terminal) != "dumb");
  }();
  return use;
}

int print_error(const Error& error) {
  print_above_progress(fmt::format("gameflow: {}error:{} {}", use_colour() ? "\x1b[1;31m" : "",
                                   use_colour() ? "\x1b[0m" : "", error.message));
  return kExitFailed;
}

void print_note(std::string_view text) {
  print_above_progress(fmt::format("gameflow: {}", text));
}

std::string with_commas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, 1, ',');
  }
  return text;
}

std::string with_unit(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  const char* unit = "B";
  for (const char* larger : {"KiB", "MiB", "GiB", "TiB"}) {
    if (value < 1024) break;
    value /= 1024;
    unit = larger;
  }
  return fmt::format("{:.1f} {}", value, unit);
}

void show_progress(std::string_view text) {
  static const bool terminal = is_terminal(STDERR_FILENO);
  if (!terminal) return;
  ProgressLine& line = progress_line();
  const std::lock_guard lock(line.mutex);
  const auto now = SteadyClock::now();
  if (!line.shown.empty() && now - line.shown_at < std::chrono::milliseconds(100)) return;
  line.shown = text;
  line.shown_at = now;
  fmt::print(stderr, "{}{}", kClearLine, text);
  std::fflush(stderr);
}

void clear_progress() {
  ProgressLine& line = progress_line();
  const std::lock_guard lock(line.mutex);
  if (line.shown.empty()) return;
  line.shown.clear();
  fmt::print(stderr, "{}", kClearLine);
  std::fflush(stderr);
}

}  // namespace gameflow::app
