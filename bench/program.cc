#include "program.h"

#include <array>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace gameflow::bench {

std::filesystem::path gameflow_program() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "gameflow";
}

Program::Program(std::vector<std::string> command, const std::filesystem::path& log)
    : name_(command.at(0)), log_(log) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  output_ = pipe[0];
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log_.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
  std::vector<char*> argv;
  argv.reserve(command.size() + 1);
  for (std::string& argument : command) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const int problem = ::posix_spawnp(&process_, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(pipe[1]);
  if (problem == 0) return;
  ::close(output_);
  throw std::runtime_error(fmt::format("cannot start {}: {}", name_, std::strerror(problem)));
}

Program::~Program() {
  ::close(output_);
  if (process_ == 0) return;
  ::kill(process_, SIGTERM);
  ::waitpid(process_, nullptr, 0);
}

std::string Program::read_line() {
  std::string line;
  for (char c = 0; ::read(output_, &c, 1) == 1 && c != '\n';) line += c;
  return line;
}

std::uint16_t Program::read_port() {
  const std::string line = read_line();
  const std::size_t colon = line.rfind(':');
  if (!line.starts_with("listening on ") || colon == std::string::npos)
    fail(fmt::format("does not listen: {}", line));
  return static_cast<std::uint16_t>(std::stoul(line.substr(colon + 1)));
}

std::size_t Program::status_bytes(std::string_view field) const {
  std::ifstream status(fmt::format("/proc/{}/status", process_));
  std::size_t kibibytes = 0;
  for (std::string word; status >> word;) {
    if (word == field) status >> kibibytes;
  }
  return kibibytes << 10;
}

std::size_t Program::resident_bytes_max() const {
  return status_bytes("VmHWM:");
}

std::size_t Program::resident_bytes() const {
  return status_bytes("VmRSS:");
}

void Program::check_running() {
  if (::waitpid(process_, nullptr, WNOHANG) == 0) return;
  process_ = 0;
  fail("has ended");
}

void Program::wait() {
  int status = 0;
  ::waitpid(std::exchange(process_, 0), &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) fail("has failed");
}

void Program::fail(const std::string& what) const {
  std::ifstream log(log_);
  const std::string said{std::istreambuf_iterator<char>(log), {}};
  throw std::runtime_error(fmt::format("{} {}\n{}", name_, what, said));
}

}  // namespace gameflow::bench
