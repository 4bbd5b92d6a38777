#include "live/live.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/priority.h"
#include "query/query.h"

namespace gameflow::live {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr std::size_t kAnswerBytesMax = 1U << 20;
// So long a query stays that nobody follows: for those whose connection broke.
constexpr auto kUnfollowedMax = 30s;
// All queries that may run at a time do.
constexpr milliseconds kBusyWait{20};
// A query takes at most a fifth of the thread's time; one that fails for now a tenth of its turns.
constexpr int kPausePerTime = 4, kTurnsPerFailure = 10;

// Whether it will be the same until there is another dataflow.
bool is_mistake(const Error& error) {
  return error.code == ErrorCode::kSqlInvalid || error.code == ErrorCode::kSqlDenied;
}

}  // namespace

// A query that is asked for its followers.
struct Live::Asked {
  explicit Asked(Question question) : feed(std::move(question)) {}

  milliseconds every() const {
    milliseconds shortest = kEveryMax;
    for (const auto& [number, following] : followers)
      shortest = std::min(shortest, following.every);
    return shortest;
  }

  Feed feed;
  // The rest under the lock of Live.
  struct Following {
    milliseconds every;
    std::function<void()> changed;
  };
  std::map<std::uint64_t, Following> followers;
  std::uint64_t next_follower = 0;
  Clock::time_point due = Clock::now();
  Clock::time_point unfollowed_since;
  // The thread's own: what the last answer depends on, and the numbers of that from before it.
  std::optional<query::Uses> uses;
  std::vector<std::uint64_t> numbers;
};

struct Follower::Place {
  Live& live;
  std::shared_ptr<Live::Asked> asked;
  std::uint64_t number;     // among its followers
  std::uint64_t place = 0;  // in the feed
};

Follower::Follower(std::unique_ptr<Place> place) : place_(std::move(place)) {}

Follower::~Follower() {
  const MutexLock lock(place_->live.mutex_);
  place_->asked->followers.erase(place_->number);
  place_->asked->unfollowed_since = Live::Clock::now();
}

Feed::Message Follower::next() {
  return place_->asked->feed.next(place_->place);
}

Live::Live(api::Api& api) : api_(api), thread_([this] { run(); }) {}

Live::~Live() {
  stop();
}

void Live::stop() {
  {
    const MutexLock lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Result<std::unique_ptr<Follower>> Live::follow(Question question, milliseconds every,
                                               std::string_view version,
                                               std::function<void()> changed) {
  const std::string text = question.text();
  auto place = std::unique_ptr<Follower::Place>(new Follower::Place{*this, nullptr, 0, 0});
  {
    const MutexLock lock(mutex_);
    std::shared_ptr<Asked>& asked = asked_[text];
    if (asked == nullptr && asked_.size() > kFeedsMax) {
      asked_.erase(text);
      return fail(ErrorCode::kUnavailable,
                  fmt::format("{} different queries are followed already; those that nobody "
                              "follows are forgotten after {} s",
                              kFeedsMax, kUnfollowedMax.count()));
    }
    if (asked == nullptr) asked = std::make_shared<Asked>(std::move(question));
    place->asked = asked;
    place->number = asked->next_follower++;
    asked->followers.emplace(
        place->number,
        Asked::Following{std::clamp(every, kEveryMin, kEveryMax), std::move(changed)});
    asked->due = std::min(asked->due, Clock::now() + asked->every());
  }
  changed_.notify_all();
  place->place = place->asked->feed.place_of(version);
  return std::unique_ptr<Follower>(new Follower(std::move(place)));
}

// When the next one is to be asked; forgets those that nobody follows.
Live::Clock::time_point Live::drop_and_find_due(Clock::time_point now) {
  Clock::time_point due = now + kUnfollowedMax;
  std::erase_if(asked_, [&](const auto& entry) {
    const Asked& asked = *entry.second;
    if (!asked.followers.empty()) due = std::min(due, asked.due);
    return asked.followers.empty() && now - asked.unfollowed_since >= kUnfollowedMax;
  });
  return due;
}

void Live::run() {
  lower_thread_priority();
  MutexLock lock(mutex_);
  while (!is_stopping_) {
    const auto due = drop_and_find_due(Clock::now());
    if (due > Clock::now()) {
      changed_.wait_until(lock.native(), due);
      continue;
    }
    std::shared_ptr<Asked> next;
    for (const auto& [text, asked] : asked_)
      if (!asked->followers.empty() && (next == nullptr || asked->due < next->due)) next = asked;
    lock.unlock();
    ask(next);
    lock.lock();
  }
}

void Live::ask(const std::shared_ptr<Asked>& asked) {
  const auto begin = Clock::now();
  bool is_new = false, is_busy = false, has_failed = false, was_asked = false;
  // First, so that what changes while the query runs is seen the next time.
  std::vector<std::uint64_t> numbers;
  if (asked->uses) numbers = api_.changes(*asked->uses);
  if (!asked->uses || asked->uses->clock || numbers != asked->numbers) {
    was_asked = true;
    const Question& question = asked->feed.question();
    const auto answer =
        api_.sql(question.sql, {.rows_max = question.rows_max, .bytes_max = kAnswerBytesMax},
                 question.parameters);
    const Timestamp now = api_.clock().now();
    is_busy = !answer && answer.error().code == ErrorCode::kUnavailable;
    has_failed = !answer && !is_busy;
    if (!is_busy) {
      asked->numbers = std::move(numbers);
      is_new = answer ? asked->feed.set(*answer, now) : asked->feed.set(answer.error(), now);
      asked->uses.reset();
      if (answer) asked->uses = answer->uses;
      if (!answer && is_mistake(answer.error())) asked->uses.emplace();
    }
  }
  const auto end = Clock::now();
  std::vector<std::function<void()>> to_call;
  {
    const MutexLock lock(mutex_);
    const milliseconds every = asked->every();
    asked->due = std::max(begin + every * (has_failed ? kTurnsPerFailure : 1),
                          end + kPausePerTime * (end - begin));
    if (is_busy) asked->due = end + kBusyWait;
    times_ += was_asked ? 1U : 0U;
    failures_ += has_failed ? 1U : 0U;
    if (is_new)
      for (const auto& [number, following] : asked->followers) to_call.push_back(following.changed);
  }
  for (const auto& changed : to_call) changed();
}

LiveStats Live::stats() const {
  const MutexLock lock(mutex_);
  LiveStats stats{.feeds = asked_.size(), .followers = 0, .asked = times_, .failed = failures_};
  for (const auto& [text, asked] : asked_) stats.followers += asked->followers.size();
  return stats;
}

}  // namespace gameflow::live
