// The flags of `gameflow generate`.
#include <cstdlib>
#include <map>
#include <memory>
#include <string>

#include "app/cli_tree.h"
#include "app/cli_values.h"
#include "app/listen_address.h"
#include "generate/generator.h"

namespace gameflow::app {

namespace {

using generate::EventKind;

const std::map<std::string, EventKind> kKinds{{"player", EventKind::kPlayer},
                                              {"purchase", EventKind::kPurchase},
                                              {"server", EventKind::kServer},
                                              {"position", EventKind::kPosition}};
const std::map<std::string, GenerateProfile> kProfiles{{"uniform", GenerateProfile::kUniform},
                                                       {"game", GenerateProfile::kGame}};

// By the command line: what the environment says is for all commands alike.
bool is_given(const CLI::App& app, const char* flag) {
  const CLI::Option& option = *app.get_option(flag);
  const char* const variable = std::getenv(option.get_envname().c_str());
  return option.count() > 0 && (variable == nullptr || option.results().back() != variable);
}

// Who is to be sent something needs somebody who sends.
void check_server(const CLI::App& app) {
  for (const char* instead : {"--serve", "--stdout"}) {
    for (const char* flag : {"--to", "--ca-file"}) {
      if (app.count(instead) == 0 || !is_given(app, flag)) continue;
      throw CLI::ValidationError(
          flag, fmt::format("nothing is sent with {}: leave out one of the two", instead));
    }
  }
}

// What only one of the profiles understands.
void check_profile(const CLI::App& app, const GenerateOptions& options) {
  const bool is_game = options.profile == GenerateProfile::kGame;
  const auto refuse = [&app](const char* flag, const char* why) {
    if (app.count(flag) > 0) throw CLI::ValidationError(flag, why);
  };
  if (is_game) {
    refuse("--start-time", "is of the uniform profile; the game begins at --from");
    if (!options.truth_file.empty())
      refuse("--events", "cannot be there with --truth, which is of all events: say --days");
    return;
  }
  for (const char* flag : {"--game", "--truth", "--from", "--days", "--speed", "--threads"})
    refuse(flag, "is of the game: add --profile game");
}

void add_game_flags(CLI::App& app, GenerateOptions* target) {
  app.add_option("--game", target->game_file, "Settings of the game [as shipped]")
      ->type_name("FILE");
  app.add_option("--from",
                 "When the game begins [now]; as fast as it goes up to the\n"
                 "clock's time, or with --days to its end")
      ->each([target](const std::string& text) { target->from = parse_time_flag(text); })
      ->type_name("TIME");
  app.add_option("--days", target->days, "How long the game is played [no end]")
      ->check(whole_number(1, 36'500))
      ->type_name("N");
  app.add_option("--speed", target->speed, "So many times as fast as the clock")
      ->check(whole_number(1, 1'000'000))
      ->type_name("N");
  app.add_option("--truth", target->truth_file,
                 "At the end, what happened: statistics and anomalies")
      ->type_name("FILE");
  app.add_option("--threads", target->threads, "Threads that play [one for each core]")
      ->check(whole_number(0, 256))
      ->type_name("N");
}

// Where events go, beside --to.
void add_output_flags(CLI::App& app, GenerateOptions* target, bool& to_stdout) {
  app.add_flag("--stdout", to_stdout, "Print the events instead of sending them");
  CLI::Option* const serve =
      app.add_option("--serve", target->serve,
                     "Instead, be a web API that streams them, at this address\n"
                     "and port: GET /stream_events")
          ->check([](const std::string& text) {
            return parse_listen_address(text)
                       ? std::string()
                       : "'" + text + "' is no address and port; write it like 127.0.0.1:8000";
          })
          ->type_name("ADDRESS:PORT");
  // Not --to, which the environment may give: check_server().
  for (const char* flag : {"--stdout", "--truth"}) serve->excludes(app.get_option(flag));
  app.add_option("--producer-id", target->producer_id,
                 "Continue the stream that an earlier run with this id began [random]")
      ->excludes(serve)
      ->type_name("ID");
}

}  // namespace

void CommandTree::add_generate() {
  const auto to_stdout = std::make_shared<bool>(false);
  const auto positions = std::make_shared<bool>(false);
  const auto self = std::make_shared<const CLI::App*>(nullptr);
  auto [app, options] = add<GenerateOptions>(
      root_, "generate", "Make synthetic events of players, purchases and servers",
      "  gameflow generate --rate 100\n"
      "  gameflow generate --profile game --positions\n"
      "  gameflow generate --profile game --from 2024-11-01 --days 30 --truth truth.json\n"
      "  gameflow generate --rate max --events 1000000 --only player\n"
      "  gameflow generate --serve 127.0.0.1:8000 --profile game\n"
      "  gameflow generate --stdout --seed 7 --events 1000 --start-time 2024-11-12T10:00:00Z",
      [to_stdout, positions, self](GenerateOptions& parsed) {
        if (*to_stdout) parsed.server.url.clear();
        if (parsed.kinds.empty()) {
          parsed.kinds = {EventKind::kPlayer, EventKind::kPurchase, EventKind::kServer};
          if (*positions) parsed.kinds.push_back(EventKind::kPosition);
        }
        parsed.has_rate = (*self)->count("--rate") > 0;
        parsed.has_players = (*self)->count("--players") > 0;
        check_profile(**self, parsed);
        check_server(**self);
      });
  *self = app;
  GenerateOptions* const target = options.get();
  app->add_option("--profile", target->profile,
                  "uniform: as many events of each kind all the time;\n"
                  "game: a simulated game [uniform]")
      ->transform(one_of(kProfiles))
      ->type_name("uniform|game");
  app->add_option("--rate",
                  "Events per second of each kind, or max [100]; of the game,\n"
                  "of all kinds on average, by the number of its players")
      ->each([target](const std::string& text) { target->rate = parse_rate(text); })
      ->type_name("N|max");
  app->add_option("--events", target->events, "Stop after so many of each kind [no end]")
      ->check(whole_number(0))
      ->type_name("N");
  app->add_option(
         "--seed", target->seed,
         "The same seed makes the same events [random; of the\ngame, that of its settings]")
      ->check(whole_number(0))
      ->type_name("N");
  app->add_option("--players", target->players,
                  "How many players there are [99; of the game, as its\nsettings say]")
      ->check(whole_number(1, generate::kPlayersMax))
      ->type_name("N");
  app->add_option("--only", target->kinds, "Only these kinds; may be repeated")
      ->transform(one_of(kKinds))
      ->allow_extra_args(false)
      ->type_name("player|purchase|server|position");
  app->add_flag("--positions", *positions, "Player positions too, to topic player-positions");
  app->add_option("--start-time",
                  "Event time of the first event [now]; it then advances\n"
                  "with --rate (100 a second for max), not with the clock")
      ->each([target](const std::string& text) { target->start_time = parse_time_flag(text); })
      ->type_name("TIME");
  add_game_flags(*app, target);
  add_server(*app, target->server, "--to");
  add_output_flags(*app, target, *to_stdout);
}

}  // namespace gameflow::app
