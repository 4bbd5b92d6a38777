// The whole flagship as somebody runs it: all its services, its dashboards, under the simulated
// game. Marks among the events tell how long it takes from a client to the screen.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <simdjson.h>

#include "base/time.h"
#include "client.h"
#include "game.h"
#include "program.h"
#include "record/codec.h"
#include "report.h"
#include "screen.h"
#include "world.h"

namespace gameflow::bench {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr auto kMarkEvery = 50ms;
constexpr auto kPatience = 600s;
// Nobody in the simulated game pays with it, so it only counts the marks.
constexpr std::string_view kMarkCurrency = "KWD";

double megabytes(std::size_t bytes) {
  return static_cast<double>(bytes) / 1e6;
}

std::string get_request(std::string_view path) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
}

class Flagship {
 public:
  Flagship()
      : program_({gameflow_program(), "run", source_path("games/gaming-analytics/dataflow.yaml"),
                  "--data", folder_.path / "data", "--cache", operator_cache(), "--listen",
                  "127.0.0.1:0"},
                 folder_.path / "log"),
        port_(program_.read_port()) {}

  std::uint16_t port() const { return port_; }
  const Program& program() const { return program_; }
  std::string get(std::string_view path) const { return exchange(get_request(path)); }
  // Over a connection of its own: the server lets idle ones go.
  std::string exchange(std::string_view request) const { return Client(port_).exchange(request); }

  // Returns once its services have read all that there is.
  void wait_until_read() {
    const auto begin = Steady::now();
    while (lag() > 0) {
      program_.check_running();
      if (Steady::now() - begin > kPatience)
        throw std::runtime_error(fmt::format("{} records are not read yet", lag()));
      std::this_thread::sleep_for(100ms);
    }
  }
  // Records that services have not read, of all their inputs.
  std::uint64_t lag() const {
    const std::string text = get("/dataflow");
    constexpr std::string_view kLag = R"("lag":)";
    std::uint64_t records = 0;
    for (std::size_t at = text.find(kLag); at != std::string::npos; at = text.find(kLag, at + 1))
      records += std::strtoull(text.c_str() + at + kLag.size(), nullptr, 10);
    return records;
  }

 private:
  const TemporaryFolder folder_;
  Program program_;
  const std::uint16_t port_;
};

// What the page `purchases` follows for its panel of that name, of one currency.
std::string subscription(Flagship& flagship) {
  simdjson::dom::parser parser;
  const simdjson::padded_string text(flagship.get("/dashboards/purchases"));
  const simdjson::dom::element page = parser.parse(text);
  for (const simdjson::dom::element row : page["rows"]) {
    for (const simdjson::dom::element panel : row["panels"]) {
      if (std::string_view(panel["title"]) != "Purchases") continue;
      std::string sql;
      record::encode_json_string(std::string_view(panel["query"]), sql);
      return fmt::format(R"({{"subscribe":"purchases","sql":{},"params":{{"currency":"{}"}},)"
                         R"("every":"{}ms"}})",
                         sql, kMarkCurrency, std::int64_t(page["every"]));
    }
  }
  throw std::runtime_error("the page 'purchases' has no panel 'Purchases'");
}

std::string mark(std::uint64_t number) {
  const std::string now = format_timestamp(SystemClock().now());
  return post_request(
      "/events", "application/json",
      fmt::format(R"({{"event_id":"mark-{0}","event_name":"transaction","event_timestamp":"{1}",)"
                  R"("sent_at":"{1}","parameters":{{"transaction_id":"mark-{0}",)"
                  R"("transaction_type":"purchase","currency":"{2}","amount":1,)"
                  R"("item_id":"mark","item_type":"mark"}},)"
                  R"("user_data":{{"user_id":"marker-{0}","platform":"PC"}}}})",
                  number, now, kMarkCurrency));
}

// What is promised, and by how much the game may be late to count as sustained.
constexpr double kEventsPromised = 100'000, kScreenMsPromised = 500, kBehindMsMax = 1'000;
// Tried in turn until one is sustained. A little more than is promised: how many come in some
// seconds is a matter of chance.
constexpr double kRates[] = {103'000, 80'000, 60'000, 40'000, 20'000};

struct Played {
  double events_per_second, screen_ms, behind_ms, megabytes;

  bool is_sustained() const { return screen_ms <= kScreenMsPromised && behind_ms <= kBehindMsMax; }
};

// The flagship under the simulated game, and one who looks at it.
class EndToEnd {
 public:
  explicit EndToEnd(double events_per_second)
      : marker_(flagship_.port()),
        screen_(flagship_.port(), subscription(flagship_)),
        game_(flagship_.port(), events_per_second) {}

  Played play(std::chrono::seconds length) {
    const auto begin = Steady::now();
    const std::uint64_t before = game_.events();
    std::vector<std::pair<std::uint64_t, Steady::time_point>> sent;
    for (auto next = begin; Steady::now() - begin < length; next += kMarkEvery) {
      std::this_thread::sleep_until(next);
      sent.emplace_back(++marks_, Steady::now());
      marker_.exchange(mark(marks_));
    }
    game_.check();
    const auto events = static_cast<double>(game_.events() - before);
    const double seconds = std::chrono::duration<double>(Steady::now() - begin).count();
    const auto behind = static_cast<double>(game_.behind().count());
    std::vector<double> took;
    for (const auto& [number, time] : sent) {
      const auto shown = screen_.when_shown(number);
      took.push_back(std::chrono::duration<double, std::milli>(shown - time).count());
    }
    return {events / seconds, percentile(std::move(took), 0.99), behind,
            megabytes(flagship_.program().resident_bytes_max())};
  }

 private:
  Flagship flagship_;
  Client marker_;
  Screen screen_;
  std::uint64_t marks_ = 0;
  Game game_;
};

Played play(double events_per_second, std::chrono::seconds length) {
  EndToEnd flagship(events_per_second);
  flagship.play(length);  // sessions are open then, and caches full
  return flagship.play(length);
}

Body prepare_end_to_end(const Setting& setting) {
  use_all_cores();
  return [is_quick = setting.quick] {
    Played played{};
    for (const double rate : kRates) {
      played = is_quick ? play(1'000, 1s) : play(rate, 20s);
      if (is_quick || played.is_sustained()) break;
    }
    return std::vector{Sample{played.events_per_second}, Sample{played.screen_ms},
                       Sample{played.megabytes}};
  };
}

// --- A million players ---------------------------------------------------------------------------

// A day of so many players, as fast as it goes. Each comes once, completes a level, and goes after
// two minutes; one in ten buys something.
class Day {
 public:
  explicit Day(std::int64_t players) : players_(players), sender_(flagship_.port()) {}

  std::vector<Sample> play() {
    for (std::int64_t slot = 0; slot < players_ + behind(kStay); ++slot) {
      say(slot, 1, "session_start");
      say(slot - behind(kStay / 10), 2, "level_start");
      say(slot - behind(kStay / 2), 3, "level_complete");
      say(slot - behind(kStay), 4, "session_end");
      if (slot % 10 == 0) buy(slot - behind(kStay / 2));
      if (lines_.size() > kRequestBytes) send();
    }
    send();
    flagship_.wait_until_read();
    check_known();
    return {Sample{megabytes(flagship_.program().resident_bytes_max())},
            Sample{megabytes(flagship_.program().resident_bytes())}};
  }

 private:
  static constexpr std::int64_t kDayMs = 86'400'000, kStay = 120'000;
  static constexpr std::size_t kRequestBytes = 1U << 20;

  // How many come in so many ms.
  std::int64_t behind(std::int64_t ms) const { return ms * players_ / kDayMs; }
  bool is_there(std::int64_t player) const { return player >= 0 && player < players_; }
  void say(std::int64_t player, int sequence, std::string_view type) {
    time_ = format_timestamp(begin_ + Duration{slot_++ / 4 * kDayMs / players_});
    if (!is_there(player)) return;
    lines_ += fmt::format(
        R"({{"event_id":"event-{0}-{1}","event_name":"player_action","event_timestamp":"{2}",)"
        R"("parameters":{{"player_id":"player-{0}","session_id":"session-{0}","event_type":"{3}",)"
        R"("level_id":"level_{4:02}","map_id":"map_{5:02}","attempt_id":"attempt-{0}",)"
        R"("server_id":"server_{6}","sequence":{1}}},)"
        R"("user_data":{{"user_id":"player-{0}","platform":"PC","client_version":"2.3.1"}}}})"
        "\n",
        player, sequence, time_, type, player % 12 + 1, player % 5 + 1, player % 14 + 1);
  }
  void buy(std::int64_t player) {
    if (!is_there(player)) return;
    lines_ += fmt::format(
        R"({{"event_id":"sale-{0}","event_name":"transaction","event_timestamp":"{1}",)"
        R"("parameters":{{"transaction_id":"sale-{0}","transaction_type":"purchase",)"
        R"("currency":"USD","amount":4.99,"item_id":"skin_dragon","item_type":"skin"}},)"
        R"("user_data":{{"user_id":"player-{0}","platform":"PC"}}}})"
        "\n",
        player, time_);
  }
  void send() {
    sender_.exchange(post_request("/events", "application/x-ndjson", lines_));
    lines_.clear();
  }
  void check_known() {
    const std::string rows = flagship_.exchange(
        post_request("/sql", "text/plain", "select count(*) from player where step >= 0"));
    if (rows.find(fmt::format("[[{}]]", players_)) == std::string::npos)
      throw std::runtime_error(fmt::format("not {} players are known: {}", players_, rows));
  }

  const std::int64_t players_;
  const Timestamp begin_ = SystemClock().now() - Duration{kDayMs + kStay};
  Flagship flagship_;
  Client sender_;
  std::int64_t slot_ = 0;
  std::string time_, lines_;
};

Body prepare_million(const Setting& setting) {
  use_all_cores();
  return [players = setting.quick ? 1'000 : 1'000'000] { return Day(players).play(); };
}

}  // namespace

void add_flagship_cases(Cases& cases) {
  using enum Target::Better;
  cases.push_back({.name = "flagship/end-to-end",
                   .figures = {{"", "events/s", "", Target{kHigher, kEventsPromised}},
                               {"/screen", "ms", "", Target{kLower, kScreenMsPromised}},
                               {"/memory", "MB", ""}},
                   .repetitions = 1,
                   .prepare = prepare_end_to_end});
  cases.push_back({.name = "flagship/million-players",
                   .figures = {{"", "MB", "", Target{kLower, 1'000}}, {"/now", "MB", ""}},
                   .repetitions = 1,
                   .prepare = prepare_million});
}

}  // namespace gameflow::bench
