#include "opbuild/process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace gameflow::opbuild {
namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
  int read_end = -1, write_end = -1;
  Pipe() = default;
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close_one(read_end);
    close_one(write_end);
  }
  bool open() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    read_end = ends[0];
    write_end = ends[1];
    return true;
  }
  static void close_one(int& end) {
    if (end >= 0) ::close(end);
    end = -1;
  }
};

// What makes a compiler read or write other files than it is told to.
constexpr std::array<std::string_view, 12> kCompilerVariables{
    "CPATH",        "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH",  "OBJC_INCLUDE_PATH",
    "LIBRARY_PATH", "COMPILER_PATH",  "GCC_EXEC_PREFIX",     "GCC_COMPARE_DEBUG",
    "LD_RUN_PATH",  "LD_PRELOAD",     "DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES"};

// This process's environment without those, and with messages in English and plain ASCII.
std::vector<std::string> compiler_environment() {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    if (!name.starts_with("LC_") && !name.starts_with("LANG") &&
        std::ranges::find(kCompilerVariables, name) == kCompilerVariables.end())
      environment.emplace_back(text);
  }
  environment.emplace_back("LC_ALL=C");
  return environment;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// The same program, by a shell that first takes the limits on itself: set from here, the program
// might have started others without them by then. Lower ones stay. Nothing of `arguments` is read
// by the shell.
std::vector<std::string> with_limits(const std::vector<std::string>& arguments,
                                     const ProcessLimits& limits) {
  std::vector<std::string> limited{
      "/bin/sh", "-c",
      fmt::format("ulimit -t {} 2>/dev/null; ulimit -v {} 2>/dev/null; exec \"$@\"",
                  limits.cpu_time_max.count(), limits.memory_bytes_max / 1024),
      "sh"};
  limited.insert(limited.end(), arguments.begin(), arguments.end());
  return limited;
}

// The error number, or 0 and the process in *pid, which leads a group of its own.
int spawn(std::vector<std::string> arguments, int output, pid_t* pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  if (const int error = ::posix_spawn_file_actions_init(&actions); error != 0) return error;
  if (const int error = ::posix_spawnattr_init(&attributes); error != 0) {
    ::posix_spawn_file_actions_destroy(&actions);
    return error;
  }
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(
      &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  std::vector<std::string> environment = compiler_environment();
  const int error = ::posix_spawn(pid, arguments[0].c_str(), &actions, &attributes,
                                  pointers_to(arguments).data(), pointers_to(environment).data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  return error;
}

// Reads until everybody has closed the other end. False when the deadline passed first.
bool drain(int pipe, Clock::time_point deadline, std::size_t bytes_max, std::string& output) {
  std::array<char, 16384> buffer;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    pollfd waiting{.fd = pipe, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::min<std::int64_t>(left, 1 << 30)));
    if (ready <= 0) continue;  // time is up, or a signal came
    const ssize_t count = ::read(pipe, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return true;
    output.append(buffer.data(),
                  std::min(static_cast<std::size_t>(count), bytes_max - output.size()));
  }
}

// Rounded up: a process that reached a limit is said to have used a little less.
std::chrono::seconds cpu_time(const rusage& used) {
  const auto whole = [](const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  };
  return std::chrono::ceil<std::chrono::seconds>(whole(used.ru_utime) + whole(used.ru_stime));
}

}  // namespace

Result<ProcessResult> run_process(const std::vector<std::string>& arguments,
                                  const ProcessLimits& limits) {
  const auto deadline = Clock::now() + limits.time_max;
  const auto failed = [&](int error) {
    return fail(ErrorCode::kInternal,
                fmt::format("cannot start {}: {}", arguments[0], std::strerror(error)));
  };
  if (::access(arguments[0].c_str(), X_OK) != 0) return failed(errno);
  Pipe pipe;
  if (!pipe.open()) return failed(errno);
  pid_t pid = 0;
  const int error = spawn(with_limits(arguments, limits), pipe.write_end, &pid);
  if (error != 0) return failed(error);
  Pipe::close_one(pipe.write_end);

  ProcessResult result;
  result.timed_out = !drain(pipe.read_end, deadline, limits.output_bytes_max, result.output);
  if (result.timed_out) ::kill(-pid, SIGKILL);
  int status = 0;
  rusage used{};  // by it and what it has waited for
  while (::wait4(pid, &status, 0, &used) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  if (result.exit_code != 0 && cpu_time(used) >= limits.cpu_time_max) result.timed_out = true;
  return result;
}

}  // namespace gameflow::opbuild
