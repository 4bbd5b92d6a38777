#include "app/connect/processes.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <random>
#include <sstream>
#include <stop_token>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mutex.h"
#include "connect/backoff.h"
#include "connect/connector_file.h"
#include "connect/library.h"

namespace gameflow::app {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

constexpr auto kLookEvery = 100ms;
constexpr auto kStopMax = 10s;
// A process that lived for so long has not failed at its start.
constexpr auto kWellAfter = 60s;
constexpr std::size_t kLineBytesMax = 4096;

struct Process {
  Process(std::string name, std::string content)
      : file(std::move(name)), text(std::move(content)), backoff(std::random_device{}()) {}

  std::string file, text;
  connect::Backoff backoff;
  pid_t pid = 0;  // 0: it does not run
  int output = -1;
  std::string line;  // what it has said of one
  SteadyClock::time_point started_at, start_at;
  std::optional<SteadyClock::time_point> stop_by;  // it was asked to stop
};

// What each file says that is to run.
using Wanted = std::map<std::string, std::string>;

std::string text_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  return std::move(text).str();
}

void log_lines(Process& process, std::string_view text) {
  // What the command line puts in front.
  constexpr std::string_view kProgram = "gameflow: ";
  for (const char c : text) {
    if (c != '\n' && process.line.size() < kLineBytesMax) {
      process.line += c;
      continue;
    }
    std::string_view line = process.line;
    if (line.starts_with(kProgram)) line.remove_prefix(kProgram.size());
    if (!line.empty()) spdlog::info("connector {}: {}", process.file, line);
    process.line.clear();
    if (c != '\n') process.line += c;
  }
}

// That of this process, but for some variables.
std::vector<std::string> environment_with(const std::map<std::string, std::string>& variables) {
  std::vector<std::string> lines;
  for (char** line = environ; *line != nullptr; ++line) {
    const std::string_view text = *line;
    if (!variables.contains(std::string(text.substr(0, text.find('='))))) lines.emplace_back(text);
  }
  for (const auto& [name, value] : variables) lines.push_back(fmt::format("{}={}", name, value));
  return lines;
}

class Supervisor final : public ConnectorProcesses {
 public:
  Supervisor(std::vector<std::string> arguments, std::vector<std::string> environment,
             mode_t file_mask)
      : arguments_(std::move(arguments)),
        environment_(std::move(environment)),
        file_mask_(file_mask) {}

  void run(const std::vector<std::string>& files) override {
    Wanted wanted;
    for (const std::string& file : files) wanted.emplace(file, text_of(file));
    {
      const MutexLock lock(mutex_);
      wanted_ = std::move(wanted);
    }
    if (!files.empty() && !thread_.joinable())
      thread_ = std::jthread([this](const std::stop_token& stop) { supervise(stop); });
  }

 private:
  void supervise(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      follow_wanted();
      for (Process& process : processes_) {
        if (process.pid == 0 && SteadyClock::now() >= process.start_at) start(process);
      }
      look(kLookEvery);
    }
    end_all();
  }

  Wanted wanted() {
    const MutexLock lock(mutex_);
    return wanted_;
  }

  void follow_wanted() {
    Wanted left = wanted();
    std::erase_if(processes_, [&](Process& process) {
      const auto found = left.find(process.file);
      const bool is_wanted = found != left.end();
      const bool is_same = is_wanted && found->second == process.text;
      if (!is_same && process.pid != 0) ask_to_stop(process, is_wanted);
      if (!is_same && process.pid == 0 && is_wanted) {
        process.text = found->second;
        process.start_at = {};
        process.backoff.reset();
      }
      if (is_wanted) left.erase(found);
      return !is_wanted && process.pid == 0;
    });
    for (auto& [file, text] : left) processes_.emplace_back(file, text);
  }

  static void ask_to_stop(Process& process, bool is_wanted) {
    const auto now = SteadyClock::now();
    if (!process.stop_by) {
      process.stop_by = now + kStopMax;
      spdlog::info("connector {}: stopping, {}", process.file,
                   is_wanted ? "its file has changed" : "the dataflow does not name it any more");
      ::kill(process.pid, SIGTERM);
    } else if (now >= *process.stop_by) {
      ::kill(process.pid, SIGKILL);
    }
  }

  void start(Process& process) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
      plan_start(process, "there are no more files to open");
      return;
    }
    std::vector<const char*> arguments = {"gameflow", "connect", process.file.c_str()};
    for (const std::string& argument : arguments_) arguments.push_back(argument.c_str());
    arguments.push_back(nullptr);
    std::vector<const char*> environment;
    environment.reserve(environment_.size() + 1);
    for (const std::string& variable : environment_) environment.push_back(variable.c_str());
    environment.push_back(nullptr);
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) {
      // Only what a signal handler may call, too: other threads may have held locks.
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);
      if (::getppid() != parent) ::_exit(1);
      ::umask(file_mask_);
      ::setpgid(0, 0);            // Ctrl-C is for the server, which then asks it to stop
      ::signal(SIGHUP, SIG_IGN);  // the server reads its certificate again, whoever else is told
      sigset_t none;
      ::sigemptyset(&none);
      ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
      ::dup2(ends[1], STDOUT_FILENO);
      ::dup2(ends[1], STDERR_FILENO);
      ::execve("/proc/self/exe", const_cast<char* const*>(arguments.data()),
               const_cast<char* const*>(environment.data()));
      ::_exit(127);
    }
    ::close(ends[1]);
    process.output = ends[0];
    ::fcntl(process.output, F_SETFL, O_NONBLOCK);
    if (pid < 0) {
      ::close(std::exchange(process.output, -1));
      plan_start(process, "the system starts no more processes");
      return;
    }
    process.pid = pid;
    process.started_at = SteadyClock::now();
    spdlog::info("connector {}: started as process {}", process.file, pid);
  }

  static void plan_start(Process& process, const std::string& why) {
    const auto pause = process.backoff.next();
    process.start_at = SteadyClock::now() + pause;
    spdlog::warn("connector {}: {}; starting it again in {:.1f} s", process.file, why,
                 static_cast<double>(pause.count()) / 1000);
  }

  // Reads what they say, for a while, and sees who has ended.
  void look(std::chrono::milliseconds time) {
    std::vector<pollfd> outputs;
    for (const Process& process : processes_) {
      if (process.output >= 0) outputs.push_back({process.output, POLLIN, 0});
    }
    ::poll(outputs.data(), outputs.size(), static_cast<int>(time.count()));
    bool has_read = false;
    for (Process& process : processes_) {
      has_read |= read(process);
      reap(process);
    }
    // One that has closed its output is seen by poll() at once, again and again.
    if (!has_read) std::this_thread::sleep_for(outputs.empty() ? 0ms : 10ms);
  }

  static bool read(Process& process) {
    std::array<char, 4096> text{};
    bool has_read = false;
    while (process.output >= 0) {
      const ssize_t size = ::read(process.output, text.data(), text.size());
      if (size <= 0) break;
      has_read = true;
      log_lines(process, {text.data(), static_cast<std::size_t>(size)});
    }
    return has_read;
  }

  void reap(Process& process) {
    int status = 0;
    if (process.pid == 0 || ::waitpid(process.pid, &status, WNOHANG) != process.pid) return;
    read(process);
    log_lines(process, "\n");
    ::close(std::exchange(process.output, -1));
    process.pid = 0;
    if (is_ending_ || std::exchange(process.stop_by, std::nullopt)) return;
    if (SteadyClock::now() - process.started_at >= kWellAfter) process.backoff.reset();
    plan_start(process, WIFSIGNALED(status)
                            ? fmt::format("it was ended by signal {}", WTERMSIG(status))
                            : fmt::format("it ended with exit code {}", WEXITSTATUS(status)));
  }

  void signal_all(int signal) {
    for (const Process& process : processes_) {
      if (process.pid != 0) ::kill(process.pid, signal);
    }
  }

  bool is_one_alive() const {
    for (const Process& process : processes_) {
      if (process.pid != 0) return true;
    }
    return false;
  }

  void end_all() {
    is_ending_ = true;
    signal_all(SIGTERM);
    const auto deadline = SteadyClock::now() + kStopMax;
    bool was_killed = false;
    while (is_one_alive()) {
      look(kLookEvery);
      if (was_killed || SteadyClock::now() < deadline) continue;
      signal_all(SIGKILL);
      was_killed = true;
    }
  }

  const std::vector<std::string> arguments_;
  const std::vector<std::string> environment_;
  const mode_t file_mask_;
  Mutex mutex_;
  Wanted wanted_ GF_GUARDED_BY(mutex_);
  std::vector<Process> processes_;  // of the thread
  bool is_ending_ = false;
  std::jthread thread_;  // the last one: it uses the others
};

}  // namespace

Status check_connectors(const std::vector<std::string>& files, const std::string& library,
                        Mistakes* told) {
  if (files.empty()) return {};
  GF_ASSIGN(const auto kinds, connect::kinds_with(library));
  std::map<std::string, std::string> names;
  std::size_t mistakes = 0;
  for (const std::string& file : files) {
    const auto connector = connect::check_connector(file, kinds);
    std::string mistake = connector ? "" : connector.error().message;
    if (connector) {
      const auto [other, is_new] = names.emplace(connector->name, file);
      if (!is_new) {
        mistake = fmt::format(
            "{}: error: its name '{}' is that of {}, too: each keeps its own "
            "position",
            file, connector->name, other->second);
      }
    }
    if (mistake.empty()) continue;
    ++mistakes;
    tell(file, mistake, told);
  }
  if (mistakes == 0) return {};
  return fail(ErrorCode::kInvalidDataflow,
              fmt::format("{} of its connectors cannot run", mistakes));
}

std::unique_ptr<ConnectorProcesses> connector_processes(
    std::vector<std::string> arguments, const std::map<std::string, std::string>& variables,
    mode_t file_mask) {
  return std::make_unique<Supervisor>(std::move(arguments), environment_with(variables), file_mask);
}

}  // namespace gameflow::app
