// The program itself, as somebody uses it who writes a dataflow: `gameflow run --watch`.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "base/time.h"
#include "client.h"
#include "program.h"
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
    program_.emplace(
        std::vector<std::string>{gameflow_program(), "run", dataflow(), "--data",
                                 folder_.path / "data", "--cache", folder_.path / "cache",
                                 "--listen", "127.0.0.1:0", "--watch"},
        folder_.path / "log");
    client_.emplace(program_->read_port());
  }

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
  std::optional<Program> program_;
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
