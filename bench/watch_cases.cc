// The program itself, as somebody uses it who writes a dataflow: `gameflow run --watch`.
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "client.h"
#include "report.h"
#include "world.h"

namespace gameflow::bench {
namespace {

constexpr std::string_view kOperator = "events_per_user().count += 1;";
constexpr std::chrono::seconds kPatience{60};

// A dataflow in a folder of its own, and the program that runs it.
class Watched {
 public:
  // The flagship, with the files beside it.
  Watched() : yaml_(flagship_yaml()) {
    std::filesystem::copy(source_path("games/gaming-analytics"), folder_.path,
                          std::filesystem::copy_options::recursive);
    start();
    client_.emplace(read_port());
  }
  ~Watched() {
    if (process_ != 0) ::kill(process_, SIGTERM);
    if (process_ != 0) ::waitpid(process_, nullptr, 0);
    if (output_ >= 0) ::close(output_);
  }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

  // Edits an operator, so that an event counts for `weight`; returns the seconds
  // until the first one does.
  double edit(std::uint32_t weight) {
    const auto begin = std::chrono::steady_clock::now();
    write(replaced(yaml_, kOperator, fmt::format("events_per_user().count += {};", weight)));
    const std::string query =
        fmt::format("select count(*) from events_per_user where count = {}", weight);
    for (;;) {
      send_event();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      const std::string rows = client_->exchange(post_request("/sql", "text/plain", query));
      const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
      if (rows.find("[[0]]") == std::string::npos) return passed.count();
      if (passed > kPatience) throw std::runtime_error("the edited operator does not run");
    }
  }

 private:
  std::filesystem::path dataflow() const { return folder_.path / "dataflow.yaml"; }

  // As editors do: another file in its place.
  void write(const std::string& yaml) const {
    const auto made = folder_.path / "new.yaml";
    std::ofstream(made, std::ios::binary) << yaml;
    std::filesystem::rename(made, dataflow());
  }

  void start() {
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    output_ = pipe[0];
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    const auto program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "gameflow";
    std::array<std::string, 10> arguments{program,
                                          "run",
                                          dataflow(),
                                          "--data",
                                          folder_.path / "data",
                                          "--cache",
                                          folder_.path / "cache",
                                          "--listen",
                                          "127.0.0.1:0",
                                          "--watch"};
    std::array<char*, 11> argv{};
    for (std::size_t i = 0; i < arguments.size(); ++i) argv[i] = arguments[i].data();
    const int problem =
        ::posix_spawn(&process_, program.c_str(), &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(pipe[1]);
    if (problem != 0) throw std::runtime_error("cannot start " + program.string());
  }

  // "listening on http://127.0.0.1:3001"
  std::uint16_t read_port() const {
    std::string line;
    for (char c = 0; ::read(output_, &c, 1) == 1 && c != '\n';) line += c;
    const std::size_t colon = line.rfind(':');
    if (!line.starts_with("listening on ") || colon == std::string::npos)
      throw std::runtime_error("gameflow run did not start: " + line);
    return static_cast<std::uint16_t>(std::stoul(line.substr(colon + 1)));
  }

  // Of another player each time.
  void send_event() {
    const std::string json = fmt::format(
        R"({{"event_name":"player_action","parameters":{{"player_id":"p","session_id":"s",)"
        R"("event_type":"move","level_id":"l","map_id":"m"}},"event_timestamp":"{}",)"
        R"("user_data":{{"user_id":"player_{}","platform":"PC"}}}})",
        format_timestamp(clock_.now()), ++players_);
    client_->exchange(
        post_request("/topics/player-events/records", "application/x-ndjson", json + "\n"));
  }

  const TemporaryFolder folder_;
  const std::string yaml_;
  SystemClock clock_;
  pid_t process_ = 0;
  int output_ = -1;  // of the program
  std::optional<Client> client_;
  std::size_t players_ = 0;
};

// From the edit of one operator of the flagship to a result of what it says now: read, checked,
// compiled, taken over, and computed.
Body prepare_edit(const Setting&) {
  use_all_cores();
  return [watched = std::make_shared<Watched>(), weight = 1U]() mutable {
    return std::vector{Sample{watched->edit(++weight), std::nullopt}};
  };
}

}  // namespace

void add_watch_cases(Cases& cases) {
  using enum Target::Better;
  cases.push_back({.name = "watch/edit",
                   .figures = {{"", "s", "", Target{kLower, 3, 1}}},
                   .repetitions = 3,
                   .prepare = prepare_edit});
}

}  // namespace gameflow::bench
