#include "game.h"

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/mutex.h"
#include "base/time.h"
#include "client.h"
#include "generate/game/game_feed.h"
#include "runtime/worker_pool.h"

namespace gameflow::bench {
namespace {

using namespace std::chrono_literals;
using generate::EventKind;

constexpr std::size_t kEventLanes = 4;         // and one for positions
constexpr std::size_t kRequestEvents = 5'000;  // at most
constexpr auto kTick = 10ms;                   // so often what has happened is handed over
// What one player does at this hour is seen on so many, in so long.
constexpr std::uint32_t kTrialPlayers = 100'000;
constexpr Duration kTrial{10'000};

generate::ForEach on_all_cores() {
  const auto pool = std::make_shared<runtime::WorkerPool>(std::thread::hardware_concurrency());
  return [pool](std::size_t count, const std::function<void(std::size_t)>& body) {
    pool->for_each(count, count == 1, [&body](std::uint32_t, std::size_t i) { body(i); });
  };
}

std::unique_ptr<generate::GameFeed> feed_of(std::uint32_t players, Timestamp from) {
  spec::Game game = *spec::parse_game(spec::default_game()).game;
  const double scale = static_cast<double>(players) / game.players;
  game.players = players;
  return std::make_unique<generate::GameFeed>(generate::GameOptions{
      .game = std::move(game),
      .capacity_scale = scale,
      .from = from,
      .kinds = {EventKind::kPlayer, EventKind::kPurchase, EventKind::kServer, EventKind::kPosition},
      .for_each = on_all_cores()});
}

// So many players that it is about so many events a second at this hour. It begins once it is made:
// what had happened before would come at once.
std::unique_ptr<generate::GameFeed> live_feed(double events_per_second) {
  const SystemClock clock;
  const Timestamp begin = clock.now();
  const auto trial = feed_of(kTrialPlayers, begin);
  double events = 0;
  while (const std::size_t count = trial->next(begin + kTrial).size())
    events += static_cast<double>(count);
  const double players = kTrialPlayers * events_per_second * kTrial.ms / 1'000 / events;
  const double making_ms = 1.5 * (clock.now() - begin).ms * players / kTrialPlayers;
  return feed_of(std::max(1U, static_cast<std::uint32_t>(players)),
                 clock.now() + Duration{static_cast<std::int64_t>(making_ms)});
}

}  // namespace

// What waits for a connection goes with its next request.
class Game::Lane {
 public:
  Lane(Game& game, std::uint16_t port, std::string path)
      : game_(game), path_(std::move(path)), client_(port), thread_([this] { send_all(); }) {}
  ~Lane() { close(); }
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  void put(const generate::FeedEvent& event) {
    const MutexLock lock(mutex_);
    if (waiting_.empty() || waiting_.back().events == kRequestEvents)
      waiting_.push_back({.lines = {}, .events = 0, .since = event.at});
    waiting_.back().lines.append(event.json) += '\n';
    ++waiting_.back().events;
  }
  void wake() { changed_.notify_one(); }
  // Returns once all is sent.
  void close() {
    {
      const MutexLock lock(mutex_);
      is_closed_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
  }
  // When the oldest event happened that is not stored.
  std::optional<Timestamp> oldest() const {
    const MutexLock lock(mutex_);
    if (sending_since_) return sending_since_;
    if (waiting_.empty()) return std::nullopt;
    return waiting_.front().since;
  }

 private:
  struct Request {
    std::string lines;
    std::size_t events;
    Timestamp since;
  };

  std::optional<Request> take() {
    MutexLock lock(mutex_);
    sending_since_.reset();
    changed_.wait(lock.native(),
                  [this]() GF_REQUIRES(mutex_) { return !waiting_.empty() || is_closed_; });
    if (waiting_.empty()) return std::nullopt;
    Request request = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    sending_since_ = request.since;
    return request;
  }
  void send_all() {
    try {
      while (const auto request = take()) {
        client_.exchange(post_request(path_, "application/x-ndjson", request->lines));
        game_.events_ += request->events;
      }
    } catch (...) {
      if (!game_.has_failed_.exchange(true)) game_.failure_ = std::current_exception();
    }
  }

  Game& game_;
  const std::string path_;
  Client client_;
  mutable Mutex mutex_;
  std::condition_variable changed_;
  std::vector<Request> waiting_ GF_GUARDED_BY(mutex_);
  std::optional<Timestamp> sending_since_ GF_GUARDED_BY(mutex_);
  bool is_closed_ GF_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses all of the above
};

Game::Game(std::uint16_t port, double events_per_second) {
  for (std::size_t i = 0; i < kEventLanes; ++i)
    lanes_.push_back(std::make_unique<Lane>(*this, port, "/events"));
  lanes_.push_back(
      std::make_unique<Lane>(*this, port, "/topics/player-positions/records?key-field=player_id"));
  player_ = std::jthread([this, events_per_second] { play(events_per_second); });
  is_playing_.wait(false);
}

Game::~Game() {
  stop();
}

void Game::play(double events_per_second) {
  const SystemClock clock;
  const auto feed = live_feed(events_per_second);
  if (const auto first = feed->next_time())
    std::this_thread::sleep_for(std::chrono::milliseconds((*first - clock.now()).ms));
  is_playing_ = true;
  is_playing_.notify_all();
  for (auto next = std::chrono::steady_clock::now(); !is_stopping_; next += kTick) {
    std::this_thread::sleep_until(next);
    for (;;) {
      const auto events = feed->next(clock.now());
      if (events.empty()) break;
      for (const generate::FeedEvent& event : events) {
        const bool is_position = event.kind == EventKind::kPosition;
        const std::size_t lane =
            is_position ? kEventLanes : std::hash<std::string_view>{}(event.key) % kEventLanes;
        lanes_[lane]->put(event);
      }
    }
    for (const auto& lane : lanes_) lane->wake();
  }
}

std::chrono::milliseconds Game::behind() const {
  const Timestamp now = SystemClock().now();
  std::int64_t most = 0;
  for (const auto& lane : lanes_)
    if (const auto oldest = lane->oldest()) most = std::max(most, (now - *oldest).ms);
  return std::chrono::milliseconds(most);
}

void Game::check() const {
  if (has_failed_) std::rethrow_exception(failure_);
}

void Game::stop() {
  is_stopping_ = true;
  if (player_.joinable()) player_.join();
  for (const auto& lane : lanes_) lane->close();
}

}  // namespace gameflow::bench
