#include "app/terminal.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "app/commands.h"
#include "base/mutex.h"

namespace gameflow::app {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct ProgressLine {
  Mutex mutex;
  std::string shown GF_GUARDED_BY(mutex);
  SteadyClock::time_point shown_at GF_GUARDED_BY(mutex);
};

ProgressLine& progress_line() {
  static ProgressLine line;
  return line;
}

constexpr std::string_view kClearLine = "\r\x1b[K";

bool understands_escapes(int file_descriptor = STDERR_FILENO) {
  const char* const terminal = std::getenv("TERM");
  return is_terminal(file_descriptor) &&
         (terminal == nullptr || std::string_view(terminal) != "dumb");
}

bool wants_colour() {
  const char* const no_colour = std::getenv("NO_COLOR");
  return no_colour == nullptr || *no_colour == '\0';
}

// Unlike fmt::print it does not throw: a full disk behind stderr must not end a program that works.
void write_to_stderr(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

void print_above_progress(std::string_view text) {
  ProgressLine& line = progress_line();
  const MutexLock lock(line.mutex);
  write_to_stderr(fmt::format("{}{}\n{}", line.shown.empty() ? "" : kClearLine, text, line.shown));
}

}  // namespace

void open_standard_streams() {
  for (int descriptor = 0; descriptor <= STDERR_FILENO; ++descriptor) {
    // open() takes the lowest number that is free: this one.
    if (fcntl(descriptor, F_GETFD) < 0 && open("/dev/null", O_RDWR) != descriptor) std::abort();
  }
}

int finish_stdout(int exit_code) {
  errno = 0;
  const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  // Whoever closed the pipe has seen enough.
  if (written || errno == EPIPE || exit_code != kExitFine) return exit_code;
  return print_error({ErrorCode::kFileUnreadable,
                      fmt::format("cannot write to stdout: {}",
                                  errno != 0 ? std::strerror(errno) : "a write failed")});
}

bool is_terminal(int file_descriptor) {
  return isatty(file_descriptor) == 1;
}

bool use_colour() {
  static const bool use = understands_escapes() && wants_colour();
  return use;
}

bool colour_on_stdout() {
  static const bool use = understands_escapes(STDOUT_FILENO) && wants_colour();
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
  static const bool shown = understands_escapes();
  if (!shown) return;
  ProgressLine& line = progress_line();
  const MutexLock lock(line.mutex);
  const auto now = SteadyClock::now();
  if (!line.shown.empty() && now - line.shown_at < std::chrono::milliseconds(100)) return;
  line.shown = text;
  line.shown_at = now;
  write_to_stderr(fmt::format("{}{}", kClearLine, text));
}

void clear_progress() {
  ProgressLine& line = progress_line();
  const MutexLock lock(line.mutex);
  if (line.shown.empty()) return;
  line.shown.clear();
  write_to_stderr(kClearLine);
}

}  // namespace gameflow::app
