#include "app/generate/feeds.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/control_groups.h"
#include "generate/random.h"
#include "generate/uniform_feed.h"
#include "runtime/worker_pool.h"
#include "spec/diagnostic.h"

namespace gameflow::app {
namespace {

// Where nothing says how many, these are the rate and the file of the uniform profile.
constexpr std::uint64_t kUniformRate = 100;
// What a player makes in a day, events of all kinds together, with the sessions of the defaults.
// generate_test checks it.
constexpr double kEventsOfPlayerAndDay = 1'175;
constexpr double kDefaultSessions = 2, kDefaultSessionMs = 900'000;

Result<std::string> text_of_game(const std::string& name) {
  if (name.empty()) return std::string(spec::default_game());
  std::ifstream in(name, std::ios::binary);
  std::stringstream contents;
  contents << in.rdbuf();
  std::error_code unknown;
  if (!in.is_open() || in.bad() || std::filesystem::is_directory(name, unknown)) {
    return fail(ErrorCode::kFileUnreadable,
                fmt::format("cannot read '{}': {}", name,
                            errno != 0 ? std::strerror(errno) : "it is not a file"));
  }
  return contents.str();
}

Result<spec::Game> parse_game(const std::string& name, const std::string& text) {
  spec::GameResult result = spec::parse_game(text);
  if (!result.diagnostics.empty())
    std::fputs(spec::render(result.diagnostics, name, text).c_str(), stderr);
  if (result.game) return std::move(*result.game);
  const std::size_t mistakes = result.diagnostics.size();
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} has {} mistake{}", name, mistakes, mistakes == 1 ? "" : "s"));
}

// So many players make so many events a second, on average over a day.
std::uint32_t players_for(double rate, const spec::Game& game) {
  const double each = kEventsOfPlayerAndDay * (game.sessions_a_day / kDefaultSessions) *
                      (static_cast<double>(game.session.ms) / kDefaultSessionMs);
  return static_cast<std::uint32_t>(
      std::clamp(rate * 86'400 / each, 1.0, double{generate::kPlayersMax}));
}

generate::ForEach for_each_with(std::uint32_t threads) {
  if (threads == 0) threads = usable_cores();
  if (threads == 1) return generate::one_by_one;
  const auto pool = std::make_shared<runtime::WorkerPool>(threads);
  return [pool](std::size_t count, const std::function<void(std::size_t)>& body) {
    pool->for_each(count, count == 1, [&body](std::uint32_t, std::size_t i) { body(i); });
  };
}

}  // namespace

Pace::Pace(const GenerateOptions& options, Timestamp from, Timestamp now)
    : from_(from), start_(now), speed_(static_cast<std::int64_t>(options.speed.value_or(1))) {
  const bool is_game = options.profile == GenerateProfile::kGame;
  is_unpaced_ = !options.rate || (is_game && options.from && !options.speed);
  // History without an end goes on live.
  has_clock_ = is_game && options.rate && options.from && !options.days;
}

Timestamp Pace::until(Timestamp now) const {
  Timestamp until =
      is_unpaced_ ? generate::kEndOfTime : from_ + Duration{(now - start_).ms * speed_};
  return has_clock_ ? std::min(until, now) : until;
}

Duration Pace::wait_for(Timestamp time, Timestamp now) const {
  const Timestamp due = until(now);
  if (time <= due) return {};
  return {std::max<std::int64_t>(1, (time - due).ms / speed_)};
}

std::unique_ptr<generate::Feed> make_uniform_feed(const GenerateOptions& options,
                                                  std::uint64_t seed, Timestamp now) {
  static const SystemClock kClock;
  const bool has_own_time = options.rate || options.start_time;
  return std::make_unique<generate::UniformFeed>(
      generate::UniformOptions{.world = {.seed = seed, .players = options.players},
                               .kinds = options.kinds,
                               .rate = options.rate.value_or(kUniformRate),
                               .events = options.events,
                               .start = options.start_time.value_or(now),
                               .clock = has_own_time ? nullptr : &kClock});
}

namespace {

Result<std::unique_ptr<generate::GameFeed>> feed_of(const std::string& text,
                                                    const GenerateOptions& options, Timestamp now) {
  GF_ASSIGN(spec::Game game, parse_game(options.game_file, text));
  const double players = game.players;
  if (options.seed) game.seed = *options.seed;
  if (options.has_players) {
    game.players = options.players;
  } else if (options.has_rate && options.rate) {
    game.players = players_for(static_cast<double>(*options.rate), game);
  }
  const double scale = game.players / players;
  generate::GameOptions made = {.game = std::move(game),
                                .capacity_scale = scale,
                                .from = options.from.value_or(now),
                                .kinds = options.kinds,
                                .events = options.events,
                                .for_each = for_each_with(options.threads)};
  if (options.days) made.lasts = Duration{static_cast<std::int64_t>(*options.days) * 86'400'000};
  return std::make_unique<generate::GameFeed>(std::move(made));
}

// All that events depend on: not how fast they are read, nor by how many threads.
std::string name_of(const GenerateOptions& options, std::string_view game, std::uint64_t seed,
                    Timestamp start) {
  std::string all = fmt::format("{} {} {} {} {} {} {} {}", GAMEFLOW_VERSION, seed, start.ms,
                                options.rate.value_or(0), options.has_rate, options.players,
                                options.has_players, options.days.value_or(0));
  if (options.events) all += fmt::format(" {}", *options.events);
  for (const generate::EventKind kind : options.kinds)
    all += fmt::format(" {}", generate::topic_of(kind));
  return fmt::format("{:016x}", mixed(all.append(game)));
}

}  // namespace

std::uint64_t mixed(std::string_view text) {
  std::uint64_t number = 0;
  for (const char c : text) number = generate::mix64(number * 257 + static_cast<unsigned char>(c));
  return number;
}

Result<std::unique_ptr<generate::GameFeed>> make_game_feed(const GenerateOptions& options,
                                                           Timestamp now) {
  GF_ASSIGN(const std::string text, text_of_game(options.game_file));
  return feed_of(text, options, now);
}

Result<NamedFeed> make_named_feed(const GenerateOptions& options, std::uint64_t seed,
                                  Timestamp now) {
  if (options.profile == GenerateProfile::kUniform) {
    return NamedFeed{make_uniform_feed(options, seed, now), seed,
                     name_of(options, "", seed, options.start_time.value_or(now))};
  }
  GF_ASSIGN(const std::string text, text_of_game(options.game_file));
  GF_ASSIGN(auto feed, feed_of(text, options, now));
  seed = feed->seed();
  return NamedFeed{std::move(feed), seed, name_of(options, text, seed, options.from.value_or(now))};
}

}  // namespace gameflow::app
